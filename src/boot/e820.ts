/**
 * The memory map a guest is told about, in the form of BIOS call E820 that both the zero page and PVH use. RAM, minus what a
 * PC reserves below 1 MiB; the PCI hole is no memory and therefore left out.
 */

import type { GuestMemory } from '../memory/guest-memory.ts';
import { BIOS_START, EBDA, HIGH_RAM_START, KVM_IDENTITY_MAP, PCI_HOLE_END } from '../memory/map.ts';
import { ramOf } from './range.ts';

export const E820_RAM = 1;
export const E820_RESERVED = 2;
/** End of what a PC calls conventional memory; video memory begins. */
const CONVENTIONAL_END = 0xa_0000;

export interface E820Entry {
  readonly start: number;
  /** In bytes. */
  readonly length: number;
  readonly type: typeof E820_RAM | typeof E820_RESERVED;
}

/** Ascending, not overlapping. */
export function e820Map(memory: GuestMemory): E820Entry[] {
  const entries: E820Entry[] = [
    entry(0, EBDA, E820_RAM),
    entry(EBDA, CONVENTIONAL_END, E820_RESERVED),
    entry(BIOS_START, HIGH_RAM_START, E820_RESERVED),
  ];
  for (const { start, end } of ramOf(memory)) {
    if (end > HIGH_RAM_START) entries.push(entry(Math.max(start, HIGH_RAM_START), end, E820_RAM));
  }
  // KVM keeps its own pages there; a guest that put a BAR over them would crash.
  entries.push(entry(KVM_IDENTITY_MAP, PCI_HOLE_END, E820_RESERVED));
  return entries.sort((a, b) => a.start - b.start);
}

function entry(start: number, end: number, type: E820Entry['type']): E820Entry {
  return { start, length: end - start, type };
}
