import { describe, expect, it } from 'vitest';
import { InFlight, Turn } from '../../../src/devices/block/pacing.ts';

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

describe('few requests in flight', () => {
  it('are four, and fewer again when one has ended', async () => {
    const inFlight = new InFlight();
    const ends: (() => void)[] = [];
    const counts = [1, 2, 3, 4, 5].map(() => {
      inFlight.add(new Promise<void>(resolve => ends.push(resolve)));
      return inFlight.few;
    });
    expect(counts).toEqual([true, true, true, true, false]);
    ends.pop()!();
    await new Promise(setImmediate);
    expect(inFlight.few).toBe(true);
    for (const end of ends) end();
    await inFlight.ended();
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
