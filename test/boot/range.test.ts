import { describe, expect, it } from 'vitest';
import { lowRamEnd, overlaps, ramEnd, ramOf } from '../../src/boot/range.ts';
import { MIB, memoryOf } from './support/guest.ts';

const GIB4 = 0x1_0000_0000;

describe('ranges', () => {
  it('overlap when they share a byte', () => {
    const a = { start: 10, end: 20 };
    expect([0, 9, 19, 20].map(start => overlaps(a, { start, end: start + 1 }))).toEqual([false, false, true, false]);
    expect(overlaps(a, { start: 0, end: 10 })).toBe(false);
    expect(overlaps(a, { start: 0, end: 30 })).toBe(true);
  });

  it('of RAM join what touches and keep the hole', () => {
    const memory = memoryOf([0, MIB], [MIB, MIB], [GIB4, MIB], [GIB4 + MIB, MIB]);
    expect(ramOf(memory)).toEqual([
      { start: 0, end: 2 * MIB },
      { start: GIB4, end: GIB4 + 2 * MIB },
    ]);
    expect([lowRamEnd(memory), ramEnd(memory)]).toEqual([2 * MIB, GIB4 + 2 * MIB]);
  });
});
