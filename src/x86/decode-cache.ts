/**
 * Decoded instructions, found again by their bytes: the first four pick a bucket, the rest are compared. Code that changes
 * under the guest's feet needs no flushing, since the key is what stands at RIP now.
 */
import type { CodeSize } from './mode.ts';

interface Sized {
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** A guest that writes code without end must not fill the launcher's memory: past this many entries the cache starts over. */
const LIMIT = 32_768;

export class DecodeCache<T extends Sized> {
  hits = 0;
  misses = 0;
  #entries = 0;
  readonly #buckets: Readonly<Record<CodeSize, Map<number, T[]>>> = { 16: new Map(), 32: new Map(), 64: new Map() };

  /** Number of cached instructions. */
  get size(): number {
    return this.#entries;
  }

  /** The instruction that starts at `bytes[offset]` and fits in `available` bytes, if it has been seen. */
  find(bytes: Uint8Array, offset: number, available: number, mode: CodeSize): T | undefined {
    const bucket = this.#buckets[mode].get(keyOf(bytes, offset, available));
    if (bucket) {
      for (const entry of bucket) {
        if (entry.size <= available && same(entry.bytes, bytes, offset)) {
          this.hits++;
          return entry;
        }
      }
    }
    this.misses++;
    return undefined;
  }

  /** Remembers `entry` for the bytes at `offset`. */
  add(entry: T, bytes: Uint8Array, offset: number, available: number, mode: CodeSize): void {
    if (this.#entries >= LIMIT) {
      for (const map of Object.values(this.#buckets)) map.clear();
      this.#entries = 0;
    }
    this.#entries++;
    const key = keyOf(bytes, offset, available);
    const bucket = this.#buckets[mode].get(key);
    if (bucket) bucket.push(entry);
    else this.#buckets[mode].set(key, [entry]);
  }
}

/** The first four bytes, absent ones zero, as a small integer. */
function keyOf(bytes: Uint8Array, offset: number, available: number): number {
  let key = bytes[offset] ?? 0;
  if (available > 1) key |= (bytes[offset + 1] ?? 0) << 8;
  if (available > 2) key |= (bytes[offset + 2] ?? 0) << 16;
  if (available > 3) key |= (bytes[offset + 3] ?? 0) << 24;
  return key;
}

function same(wanted: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== bytes[offset + i]) return false;
  return true;
}
