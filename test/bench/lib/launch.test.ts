import { describe, expect, it } from 'vitest';
import { launch } from '../../../bench/lib/launch.ts';

const node = (script: string) => [process.execPath, '-e', script];

describe('one start with a stopwatch', () => {
  it('times the first byte, the wanted words and the end, in that order', async () => {
    const run = await launch(node(`console.log('a'); setTimeout(() => console.log('here'), 100)`), { until: 'here' });
    expect(run.status).toBe(0);
    expect(run.firstByte).toBeGreaterThan(0);
    expect(run.until).toBeGreaterThan(run.firstByte! + 50);
    expect(run.end).toBeGreaterThanOrEqual(run.until!);
  });

  it('quotes the last words of a program that never says it', async () => {
    const failing = launch(node(`console.log('something else'); console.error('why'); process.exit(3)`), {
      until: 'here',
    });
    await expect(failing).rejects.toThrow(/status 3 and never said here[\s\S]*something else[\s\S]*why/);
  });

  it('can stop the program there', async () => {
    const run = await launch(node(`console.log('here'); setInterval(() => {}, 1000)`), {
      until: /he.e/,
      stopThere: true,
    });
    expect(run.status).toBeNull();
    expect(run.end).toBeLessThan(10_000);
  });

  it('samples memory when asked', async () => {
    const run = await launch(node('setTimeout(() => {}, 300)'), { sampleMemory: { guestBytes: 1 << 30 } });
    expect(run.memory).toBeGreaterThan(1 << 20);
  });

  it('says which program cannot be run', async () => {
    await expect(launch(['/nonexistent/program'])).rejects.toThrow('cannot run /nonexistent/program');
  });
});
