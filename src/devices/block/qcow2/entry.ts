/** L1 and L2 entries, 64 bits as two words: what an entry says about a cluster, and the entries that are written. */
import { COMPRESSED, COPIED, OFFSET_HIGH, OFFSET_LOW, ZERO } from './format.ts';

/** An entry as it is stored: upper and lower word, unsigned. */
export interface Entry {
  readonly high: number;
  readonly low: number;
}

/** Never written: reads as what the backing file has there, or as zeroes. */
export const ABSENT: Entry = { high: 0, low: 0 };

export function offsetOf(high: number, low: number): number {
  return (high & OFFSET_HIGH) * 2 ** 32 + ((low & OFFSET_LOW) >>> 0);
}

export function isCopied(high: number): boolean {
  return (high & COPIED) !== 0;
}

/** An entry for a table or a data cluster that nothing else refers to. */
export function owned(offset: number): Entry {
  return { high: (Math.floor(offset / 2 ** 32) | COPIED) >>> 0, low: offset % 2 ** 32 };
}

/** Reads as zeroes; keeps the data cluster, if there is one, for writes to come. */
export function zeroed(keeping: Entry = ABSENT): Entry {
  return { high: keeping.high, low: (keeping.low | ZERO) >>> 0 };
}

export type ClusterKind = 'absent' | 'zero' | 'data' | 'compressed';

export function kindOf(high: number, low: number): ClusterKind {
  if ((high & COMPRESSED) !== 0) return 'compressed';
  if ((low & ZERO) !== 0) return 'zero';
  return offsetOf(high, low) === 0 ? 'absent' : 'data';
}

/** Where a compressed cluster's bytes are: from any byte on, for a whole number of sectors counted from a sector's start. */
export function compressedRange(entry: Entry, clusterBits: number): { offset: number; bytes: number } {
  const value = (BigInt(entry.high) << 32n) | BigInt(entry.low);
  const sectorsAt = BigInt(62 - (clusterBits - 8));
  const offset = Number(value & ((1n << sectorsAt) - 1n));
  const further = Number((value & ((1n << 62n) - 1n)) >> sectorsAt);
  return { offset, bytes: (further + 1) * 512 - (offset % 512) };
}
