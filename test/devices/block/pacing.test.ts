import { describe, expect, it } from 'vitest';
import { Eager, InFlight, Turn } from '../../../src/devices/block/pacing.ts';

describe('requests in flight', () => {
  it('are waited for, all of them', async () => {
    const inFlight = new InFlight();
    await inFlight.ended();
    let done = 0;
    for (const delay of [3, 1, 2]) {
      inFlight.add(new Promise<void>(resolve => setTimeout(resolve, delay)).then(() => void done++));
    }
    await inFlight.ended();
    expect(done).toBe(3);
  });

  it('that throw are reported at the end, the first of them, after the others have ended', async () => {
    const inFlight = new InFlight();
    let done = false;
    inFlight.add(Promise.reject(new Error('first')));
    inFlight.add(Promise.reject(new Error('second')));
    inFlight.add(
      new Promise<void>(resolve => setTimeout(resolve, 5)).then(() => {
        done = true;
      }),
    );
    await expect(inFlight.ended()).rejects.toThrow('first');
    expect(done).toBe(true);
  });
});

describe('eagerness', () => {
  /** An event loop that was busy for such shares of its time, look by look. */
  function eager(...shares: number[]): Eager {
    return new Eager(since => ({ idle: 0, active: 0, utilization: since ? shares.shift()! : 0 }));
  }
  const begin = (pace: Eager, times: number) => Array.from({ length: times }, () => pace.begun());

  it('takes its turns from time that the event loop has nothing to do', () => {
    const pace = eager(0.5, 0.9, 0.1);
    expect(begin(pace, 63)).toEqual(Array(63).fill(false));
    expect(begin(pace, 64)).toEqual(Array(64).fill(true));
    expect(begin(pace, 64)).toEqual(Array(64).fill(false));
    expect(begin(pace, 1)).toEqual([true]);
  });

  it('goes by the real event loop', async () => {
    const pace = new Eager();
    await new Promise(resolve => setTimeout(resolve, 50));
    expect(begin(pace, 64).at(-1)).toBe(true);
    for (const end = performance.now() + 50; performance.now() < end; );
    await new Promise(setImmediate);
    expect(begin(pace, 64).at(-1)).toBe(false);
  });
});

describe('a turn', () => {
  it('is used up by bytes or by requests, and begins anew', async () => {
    const turn = new Turn();
    expect(turn.spend(1 << 20)).toBe(false);
    expect(turn.spend(1 << 20)).toBe(true);
    await turn.end();
    for (let i = 0; i < 63; i++) expect(turn.spend(1)).toBe(false);
    expect(turn.spend(1)).toBe(true);
  });
});
