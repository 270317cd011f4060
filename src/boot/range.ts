/** Ranges of guest-physical addresses, half open, and the RAM of a guest as few of them as possible. */

import type { GuestMemory } from '../memory/guest-memory.ts';
import { HIGH_RAM_START, PCI_HOLE_END } from '../memory/map.ts';

/** [start, end) in bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export function overlaps(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}

/** RAM in ascending order with touching mappings joined. */
export function ramOf(memory: GuestMemory): Range[] {
  const out: { start: number; end: number }[] = [];
  for (const { gpa, bytes } of memory.regions) {
    const last = out.at(-1);
    if (last?.end === gpa) last.end += bytes.length;
    else out.push({ start: gpa, end: gpa + bytes.length });
  }
  return out;
}

/** First address behind the RAM that lies below 4 GiB. */
export function lowRamEnd(memory: GuestMemory): number {
  const low = ramOf(memory).filter(range => range.start < PCI_HOLE_END);
  return low.at(-1)?.end ?? HIGH_RAM_START;
}

/** First address behind all RAM. */
export function ramEnd(memory: GuestMemory): number {
  return ramOf(memory).at(-1)?.end ?? 0;
}
