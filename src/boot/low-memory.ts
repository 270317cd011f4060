/**
 * What the launcher itself keeps below 1 MiB while a guest starts. A kernel may be loaded between these, but never over them:
 * it would overwrite its own command line or memory map.
 */
import {
  BIOS_DATA,
  BOOT_GDT,
  BOOT_PAGE_TABLES,
  COMMAND_LINE,
  COMMAND_LINE_ROOM,
  EBDA,
  HIGH_RAM_START,
  PVH_START_INFO,
  ZERO_PAGE,
} from '../memory/map.ts';
import { PAGE_TABLES_SIZE } from './page-tables.ts';
import { overlaps, type Range } from './range.ts';

interface Occupied extends Range {
  readonly what: string;
}

export const OCCUPIED: readonly Occupied[] = [
  { start: BIOS_DATA, end: BOOT_GDT, what: 'the BIOS data area' },
  { start: BOOT_GDT, end: BOOT_GDT + 0x100, what: 'the boot descriptor table' },
  { start: PVH_START_INFO, end: PVH_START_INFO + 0x1000, what: 'the PVH start information' },
  { start: ZERO_PAGE, end: ZERO_PAGE + 0x1000, what: 'the zero page' },
  { start: ZERO_PAGE + 0x1000, end: BOOT_PAGE_TABLES, what: 'the boot stack' },
  { start: BOOT_PAGE_TABLES, end: BOOT_PAGE_TABLES + PAGE_TABLES_SIZE, what: 'the boot page tables' },
  { start: COMMAND_LINE, end: COMMAND_LINE + COMMAND_LINE_ROOM, what: 'the kernel command line' },
  { start: EBDA, end: HIGH_RAM_START, what: 'the BIOS area with the ACPI tables' },
];

/** What of the launcher's a range would overwrite, if anything. */
export function collision(range: Range): string | undefined {
  return OCCUPIED.find(occupied => overlaps(occupied, range))?.what;
}
