import { describe, expect, it } from 'vitest';
import { descriptor, linux32Entry, linux64Entry, pvhEntry, writeGdt } from '../../src/boot/cpu-entry.ts';
import { guestOf } from './support/guest.ts';

describe('CPU entry states', () => {
  it('for the 64-bit Linux protocol are long mode with RSI at the zero page', () => {
    const entry = linux64Entry(0x100_0200, 0x7000);
    expect(entry.registers).toEqual({ rip: 0x100_0200n, rsp: 0x8ff0n, rsi: 0x7000n });
    expect(entry).toMatchObject({ cr0: 0x8000_0011n, cr3: 0x9000n, cr4: 0x20n, efer: 0x500n });
    expect(entry.cs).toMatchObject({ selector: 0x10, l: 1, db: 0, type: 11 });
    expect(entry.data).toMatchObject({ selector: 0x18, type: 3, limit: 0xffff_ffff });
  });

  it('for the 32-bit Linux protocol are flat protected mode without paging', () => {
    const entry = linux32Entry(0x100_0000, 0x7000);
    expect(entry.registers).toEqual({ rip: 0x100_0000n, rsp: 0x8ff0n, rsi: 0x7000n });
    expect(entry).toMatchObject({ cr0: 0x11n, cr3: 0n, cr4: 0n, efer: 0n });
    expect(entry.cs).toMatchObject({ selector: 0x10, base: 0, limit: 0xffff_ffff, l: 0, db: 1 });
  });

  it('for PVH have EBX at the start information', () => {
    const entry = pvhEntry(0x10_0000, 0x6000);
    expect(entry.registers).toEqual({ rip: 0x10_0000n, rsp: 0x8ff0n, rbx: 0x6000n });
    expect(entry).toMatchObject({ cr0: 0x11n, cr4: 0n, efer: 0n });
    expect(entry.tr).toMatchObject({ limit: 0x67, type: 11, s: 0, present: 1 });
  });

  it('agree with their descriptor table', () => {
    const memory = guestOf(4);
    for (const [entry, code] of [
      [linux64Entry(0, 0), 0x00af_9b00_0000_ffffn],
      [linux32Entry(0, 0), 0x00cf_9b00_0000_ffffn],
    ] as const) {
      writeGdt(memory, entry);
      expect(entry.gdt).toEqual({ base: 0x500, limit: 0x27 });
      expect([0, 8, 0x10, 0x18, 0x20].map(at => memory.u64(0x500 + at))).toEqual([
        ...[0n, 0n, code, 0x00cf_9300_0000_ffffn, 0x0000_8b00_0000_0067n],
      ]);
    }
  });

  it('spread a base address over its descriptor', () => {
    const { tr } = pvhEntry(0, 0);
    expect(descriptor({ ...tr, base: 0xab12_3456, limit: 0xf_1234 })).toBe(0xab0f_8b12_3456_1234n);
  });
});
