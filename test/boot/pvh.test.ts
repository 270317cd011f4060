import { describe, expect, it } from 'vitest';
import { writeStartInfo } from '../../src/boot/pvh.ts';
import { PVH_START_INFO } from '../../src/memory/map.ts';
import { guestOf, MIB, memoryOf } from './support/guest.ts';

describe('the PVH start information', () => {
  it('has the layout of hvm_start_info, version 1', () => {
    const memory = memoryOf([0, 16 * MIB], [0x1_0000_0000, 4 * MIB]);
    memory.bytes(PVH_START_INFO, 4096).fill(0xcc);
    writeStartInfo(memory, { start: 0xf0_0000, end: 0xf0_0123 }, 0xf_0000);
    const info = memory.view(PVH_START_INFO, 56);
    expect([0, 4, 8, 12].map(at => info.getUint32(at, true))).toEqual([0x336e_c578, 1, 0, 1]);
    expect(info.getBigUint64(24, true)).toBe(0x2_0000n);
    expect(info.getBigUint64(32, true)).toBe(0xf_0000n);
    expect(info.getUint32(48, true)).toBe(6);

    const module = memory.view(Number(info.getBigUint64(16, true)), 32);
    expect([0, 8, 16, 24].map(at => module.getBigUint64(at, true))).toEqual([0xf0_0000n, 0x123n, 0n, 0n]);

    const map = memory.view(Number(info.getBigUint64(40, true)), 6 * 24);
    const entry = (i: number) => [
      ...[0, 8].map(at => map.getBigUint64(24 * i + at, true)),
      ...[16, 20].map(at => map.getUint32(24 * i + at, true)),
    ];
    expect(entry(0)).toEqual([0n, 0x9_fc00n, 1, 0]);
    expect(entry(2)).toEqual([0xf_0000n, 0x1_0000n, 2, 0]);
    expect(entry(5)).toEqual([0x1_0000_0000n, 0x40_0000n, 1, 0]);
  });

  it('names no module without an initrd, and no RSDP without ACPI', () => {
    const memory = guestOf(4);
    writeStartInfo(memory, undefined, undefined);
    const info = memory.view(PVH_START_INFO, 56);
    expect([info.getUint32(12, true), info.getBigUint64(16, true), info.getBigUint64(32, true)]).toEqual([0, 0n, 0n]);
  });
});
