import { describe, expect, it } from 'vitest';
import { e820Map } from '../../src/boot/e820.ts';
import { guestOf, MIB, memoryOf } from './support/guest.ts';

const LOW = [
  { start: 0, length: 0x9_fc00, type: 1 },
  { start: 0x9_fc00, length: 0x400, type: 2 },
  { start: 0xf_0000, length: 0x1_0000, type: 2 },
];
const KVM_PAGES = { start: 0xfffb_c000, length: 0x4_4000, type: 2 };

describe('the memory map', () => {
  it('of a small guest is RAM without the BIOS area', () => {
    expect(e820Map(guestOf(64))).toEqual([...LOW, { start: MIB, length: 63 * MIB, type: 1 }, KVM_PAGES]);
  });

  it('of a large guest leaves the PCI hole out', () => {
    const memory = memoryOf([0, 4 * MIB], [4 * MIB, 4 * MIB], [0x1_0000_0000, 8 * MIB]);
    expect(e820Map(memory)).toEqual([
      ...LOW,
      { start: MIB, length: 7 * MIB, type: 1 },
      KVM_PAGES,
      { start: 0x1_0000_0000, length: 8 * MIB, type: 1 },
    ]);
  });

  it('ascends without overlaps', () => {
    const map = e820Map(memoryOf([0, 4 * MIB], [0x1_0000_0000, 8 * MIB]));
    for (let i = 1; i < map.length; i++) {
      expect(map[i]!.start).toBeGreaterThanOrEqual(map[i - 1]!.start + map[i - 1]!.length);
    }
  });
});
