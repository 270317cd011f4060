/**
 * The page tables that a 64-bit kernel starts on: the first 4 GiB mapped one to one, as the 64-bit boot protocol of Linux asks
 * (kernel, zero page and command line at least). Pages of 2 MiB, which every x86-64 processor has; 1 GiB pages are optional.
 */
import { MiB } from '../base/bits.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { BOOT_PAGE_TABLES } from '../memory/map.ts';

const TABLE = 4096;
const DIRECTORIES = 4;
/** PML4, one page-directory-pointer table, four page directories. In bytes. */
export const PAGE_TABLES_SIZE = (2 + DIRECTORIES) * TABLE;

/** Intel SDM volume 3, 4.5: present and writable; bit 7 makes a page-directory entry a 2 MiB page. */
const PRESENT_WRITABLE = 0x3n;
const PAGE_2M = 0x80n;

/** Writes the tables; CR3 is BOOT_PAGE_TABLES. */
export function writePageTables(memory: GuestMemory): void {
  const pointers = BOOT_PAGE_TABLES + TABLE;
  const directories = pointers + TABLE;
  memory.setU64(BOOT_PAGE_TABLES, BigInt(pointers) | PRESENT_WRITABLE);
  for (let i = 0; i < DIRECTORIES; i++) {
    memory.setU64(pointers + 8 * i, BigInt(directories + i * TABLE) | PRESENT_WRITABLE);
  }
  for (let i = 0; i < DIRECTORIES * 512; i++) {
    memory.setU64(directories + 8 * i, BigInt(i * 2 * MiB) | PAGE_2M | PRESENT_WRITABLE);
  }
}
