import { describe, expect, it } from 'vitest';
import { PAGE_TABLES_SIZE, writePageTables } from '../../src/boot/page-tables.ts';
import { BOOT_PAGE_TABLES, COMMAND_LINE } from '../../src/memory/map.ts';
import { guestOf } from './support/guest.ts';

describe('the boot page tables', () => {
  const memory = guestOf(4);
  writePageTables(memory);

  /** Walks as the processor does: 9 bits a level, a 2 MiB page at the third. */
  function translate(address: number): number | undefined {
    let table = BOOT_PAGE_TABLES;
    for (const shift of [39, 30, 21]) {
      const entry = memory.u64(table + 8 * Number((BigInt(address) >> BigInt(shift)) & 511n));
      if ((entry & 3n) !== 3n) return undefined;
      if (shift === 21) return entry & 0x80n ? Number(entry & ~0x1f_ffffn) + (address % 0x20_0000) : undefined;
      table = Number(entry & ~0xfffn);
    }
    return undefined;
  }

  it('map the first 4 GiB one to one and nothing else', () => {
    for (const address of [
      0, 0x7123, 0x10_0000, 0x1f_ffff, 0x20_0000, 0x3fff_ffff, 0x4000_0000, 0xfee0_0000, 0xffff_ffff,
    ]) {
      expect(translate(address)).toBe(address);
    }
    for (const address of [0x1_0000_0000, 0x80_0000_0000]) expect(translate(address)).toBeUndefined();
  });

  it('stay within their room', () => {
    expect(BOOT_PAGE_TABLES + PAGE_TABLES_SIZE).toBeLessThanOrEqual(COMMAND_LINE);
    expect(memory.bytes(BOOT_PAGE_TABLES + PAGE_TABLES_SIZE, 4096).every(byte => byte === 0)).toBe(true);
    expect(memory.bytes(BOOT_PAGE_TABLES - 4096, 4096).every(byte => byte === 0)).toBe(true);
  });
});
