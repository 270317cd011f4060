import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/base/bits.ts';
import { DriverError } from '../../src/base/errors.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { ramRanges } from '../../src/memory/map.ts';

/** Two touching regions, a hole, and one above 4 GiB. */
function memory(): GuestMemory {
  return new GuestMemory([
    { gpa: 4 * GiB, bytes: new Uint8Array(0x1000) },
    { gpa: 0, bytes: new Uint8Array(0x1000) },
    { gpa: 0x1000, bytes: new Uint8Array(0x1000) },
  ]);
}

describe('GuestMemory', () => {
  it('knows RAM from holes, also at the edges and beyond safe integers', () => {
    const m = memory();
    const cases: [number, number, boolean][] = [
      [0, 0x2000, true],
      [0, 0x2001, false],
      [0xfff, 2, true],
      [0x2000, 1, false],
      [0x1fff, 1, true],
      [4 * GiB - 1, 2, false],
      [4 * GiB, 0x1000, true],
      [4 * GiB, 0x1001, false],
      [2 ** 53, 1, false],
      [-1, 1, false],
      [0, -1, false],
      [Number.NaN, 1, false],
      [0x800, Number.MAX_SAFE_INTEGER, false],
    ];
    for (const [gpa, length, expected] of cases)
      expect([gpa, length, m.has(gpa, length)]).toEqual([gpa, length, expected]);
  });

  it('cuts a range into zero-copy pieces where mappings meet', () => {
    const m = memory();
    const pieces = m.pieces(0xffe, 4);
    expect(pieces.map(p => p.length)).toEqual([2, 2]);
    pieces[0]!.set([1, 2]);
    pieces[1]!.set([3, 4]);
    const copy = new Uint8Array(4);
    m.read(0xffe, copy);
    expect([...copy]).toEqual([1, 2, 3, 4]);
    m.write(0xffe, Uint8Array.of(9, 8, 7, 6));
    expect([...pieces[0]!, ...pieces[1]!]).toEqual([9, 8, 7, 6]);
  });

  it('reads and writes scalars of every width above 4 GiB', () => {
    const m = memory();
    const at = 4 * GiB + 8;
    m.setU64(at, 0x1122334455667788n);
    expect([m.u8(at), m.u16(at), m.u32(at), m.u64(at)]).toEqual([0x88, 0x7788, 0x55667788, 0x1122334455667788n]);
    m.setU32(at, 1);
    m.setU16(at + 4, 2);
    m.setU8(at + 6, 3);
    expect([...m.bytes(at, 7)]).toEqual([1, 0, 0, 0, 2, 0, 3]);
    expect(m.view(at, 4).getUint32(0, true)).toBe(1);
  });

  it('answers an address outside RAM with a driver error, never with host memory', () => {
    const m = memory();
    expect(() => m.pieces(0x1fff, 2)).toThrow(DriverError);
    expect(() => m.bytes(0xfff, 2)).toThrow(DriverError);
    expect(() => m.u64(0x1ffc)).toThrow(DriverError);
    expect(() => m.setU8(0x2000, 1)).toThrow(DriverError);
  });
});

describe('ramRanges', () => {
  it('leaves the PCI hole free', () => {
    expect(ramRanges(64 * MiB)).toEqual([{ gpa: 0, length: 64 * MiB }]);
    expect(ramRanges(3 * GiB)).toEqual([{ gpa: 0, length: 3 * GiB }]);
    expect(ramRanges(5 * GiB)).toEqual([
      { gpa: 0, length: 3 * GiB },
      { gpa: 4 * GiB, length: 2 * GiB },
    ]);
  });
});
