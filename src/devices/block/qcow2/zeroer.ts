/**
 * Zeroes and discards without moving data: whole clusters change their entries, the ragged ends are written. In an image with a backing
 * file a cluster that merely went would show the backing file's bytes again, so there it turns into one that reads as zeroes;
 * version 2 of the format has no such thing.
 */
import { KiB } from '../../../base/bits.ts';
import { ABSENT, type Entry, offsetOf, zeroed } from './entry.ts';
import { ENTRY } from './format.ts';
import type { Stretch } from './mapping.ts';
import type { Writer, WriterParts } from './writer.ts';

/** Zeroes that are written out go in pieces of this size at most. */
const ZEROES = new Uint8Array(256 * KiB);

type Choice = Entry | 'write' | undefined;

export interface ZeroerParts extends Omit<WriterParts, 'reader' | 'allocator'> {
  readonly writer: Writer;
  /** Runs between pieces of a long range. */
  readonly between: () => Promise<void>;
}

export class Zeroer {
  readonly #parts: ZeroerParts;
  readonly #clusterSize: number;

  constructor(parts: ZeroerParts) {
    this.#parts = parts;
    this.#clusterSize = parts.store.clusterSize;
  }

  /** [offset, offset + length) reads as zeroes afterwards. With `unmap` its clusters are given back. */
  async writeZeroes(offset: number, length: number, unmap: boolean): Promise<void> {
    const [first, last] = this.#whole(offset, length);
    if (first >= last) return this.#writeOut(offset, length);
    await this.#writeOut(offset, first * this.#clusterSize - offset);
    await this.#each(first, last, stretch => this.#zero(stretch, unmap));
    await this.#writeOut(last * this.#clusterSize, offset + length - last * this.#clusterSize);
  }

  /** The guest does not need [offset, offset + length) any more: whole clusters are given back, other bytes stay. */
  async discard(offset: number, length: number): Promise<void> {
    const [first, last] = this.#whole(offset, length);
    await this.#each(first, last, stretch => this.#discarded(stretch));
  }

  /** The new entry for clusters that shall read as zeroes; undefined to leave them, `write` if only writing helps. */
  #zero({ kind, own, entry, offset }: Stretch, unmap: boolean): Choice {
    const { store, backing } = this.#parts;
    if (kind === 'absent' && backing === undefined) return undefined;
    if (kind === 'zero' && (offset === 0 || !unmap)) return undefined;
    if (store.header.version === 2) return backing === undefined && unmap ? ABSENT : 'write';
    return unmap || !own ? zeroed() : zeroed(entry);
  }

  #discarded({ kind, offset }: Stretch): Choice {
    const { store, backing } = this.#parts;
    if (kind === 'absent' || (kind === 'zero' && offset === 0)) return undefined;
    if (backing === undefined) return ABSENT;
    return store.header.version === 2 ? undefined : zeroed();
  }

  async #each(first: number, last: number, choose: (stretch: Stretch) => Choice): Promise<void> {
    const { locks, mapping, store } = this.#parts;
    // A lock for each cluster: not for more of them at once than a slice of a table has entries.
    const most = store.tables.sliceSize / ENTRY;
    let ready = false;
    for (let at = first; at < last; ) {
      const seen = await mapping.find(at, last - at);
      const choice = choose(seen);
      const count = Math.min(seen.count, most);
      if (choice === undefined) {
        at += seen.count;
      } else if (choice === 'write') {
        const end = Math.min((at + count) * this.#clusterSize, store.header.size);
        await this.#writeOut(at * this.#clusterSize, end - at * this.#clusterSize);
        at += count;
      } else {
        if (!ready) await this.#parts.beforeAllocating();
        ready = true;
        at += await locks.withLock(at, count, () => this.#change(at, count, choose));
      }
      await this.#parts.between();
    }
  }

  /** Returns how many clusters are done; none if they have changed so that another way must be taken. */
  async #change(at: number, most: number, choose: (stretch: Stretch) => Choice): Promise<number> {
    const stretch = await this.#parts.mapping.find(at, most);
    const choice = choose(stretch);
    if (choice === 'write') return 0;
    if (choice === undefined) return stretch.count;
    // Clusters that are kept lie one behind the other.
    const step = offsetOf(choice.high, choice.low) === 0 ? 0 : this.#clusterSize;
    await this.#parts.mapping.replace(at, stretch.count, i => shifted(choice, i * step));
    return stretch.count;
  }

  async #writeOut(offset: number, length: number): Promise<void> {
    for (let done = 0; done < length; done += ZEROES.length) {
      await this.#parts.writer.write(
        offset + done,
        [ZEROES.subarray(0, Math.min(ZEROES.length, length - done))],
        false,
      );
    }
  }

  /** The whole clusters in a range, from one up to another; the disk's last one may be short. */
  #whole(offset: number, length: number): [first: number, last: number] {
    const size = this.#clusterSize;
    const end = offset + length;
    const last = end >= this.#parts.store.header.size ? Math.ceil(end / size) : Math.floor(end / size);
    return [Math.ceil(offset / size), last];
  }
}

function shifted({ high, low }: Entry, by: number): Entry {
  const sum = low + by;
  return { high: (high + Math.floor(sum / 2 ** 32)) >>> 0, low: sum % 2 ** 32 };
}
