import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { floodPattern, floodSum } from '../../fixtures/guests/flood.ts';
import { runGuest } from '../../fixtures/guests/run.ts';

// Input and output of the consoles, byte for byte. Serial and virtio console share standard output, so the guest's own words are
// cut off before the bytes are compared.
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function between(output: Buffer, from: string, to: string): Buffer {
  const start = output.indexOf(from);
  const end = output.lastIndexOf(to);
  expect(start, `no ${JSON.stringify(from)} in the output`).toBeGreaterThanOrEqual(0);
  expect(end, `no ${JSON.stringify(to)} in the output`).toBeGreaterThanOrEqual(0);
  return output.subarray(start + from.length, end);
}

describe('consoles of tiny guests under tslaunch', () => {
  it.each(['poll', 'msix', 'intx'])('echoes 10 MiB of input, interrupts by %s', { timeout: 120_000 }, async irq => {
    const input = randomBytes(10 << 20);
    const words = [`bytes=${input.length}`, `irq=${irq}`, 'event-idx=1'];
    const run = await runGuest('tslaunch', 'echo-console', { arguments: words, input, timeout: 100_000 });
    expect(run.verdict, run.errors).toBe('pass');
    const echoed = between(run.output, 'ready\r\n', 'echoed ');
    expect(echoed.length).toBe(input.length);
    expect(digest(echoed)).toBe(digest(input));
  });

  it('echoes what is typed while the guest listens on the serial port', async () => {
    const typed = randomBytes(1500).toString('hex');
    const run = await runGuest('tslaunch', 'echo', { input: `${typed}\x04` });
    expect(run.verdict, run.errors).toBe('pass');
    expect(between(run.output, 'ready\r\n', '\r\n3001 bytes in ').toString('latin1')).toBe(typed);
  });

  it('prints 10 MiB without losing a byte', { timeout: 120_000 }, async () => {
    const run = await runGuest('tslaunch', 'flood', { arguments: ['mib=10', 'irq=msix'], timeout: 100_000 });
    expect(run.verdict, run.errors).toBe('pass');
    const flood = run.output.subarray(0, run.output.lastIndexOf('sum '));
    expect(flood.length).toBe(10 << 20);
    expect(digest(flood)).toBe(digest(floodPattern(10)));
    expect(run.text).toContain(`sum ${floodSum(floodPattern(10)).toString(16).padStart(16, '0')}`);
  });
});
