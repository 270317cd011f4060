/**
 * From guest clusters to clusters of the file: L1 entry, L2 table, L2 entry. Lookups are answered at once when the tables are at hand.
 * An L2 table that a snapshot shares is copied before it changes, so snapshots stay as they are.
 */
import type { Allocator } from './allocator.ts';
import { type ClusterKind, compressedRange, type Entry, isCopied, kindOf, offsetOf, owned } from './entry.ts';
import { COPIED, ENTRY, viewOf } from './format.ts';
import { Locks } from './locks.ts';
import { ImageError } from './refusal.ts';
import type { Slice } from './slice-cache.ts';
import type { Store } from './store.ts';

/** Neighbouring guest clusters that are alike, data ones also neighbours in the file. */
export interface Stretch {
  readonly kind: ClusterKind;
  readonly count: number;
  /** The first one's place in the file; 0 if it has none. Not for compressed clusters. */
  readonly offset: number;
  /** The image's own: no snapshot has them too, so they may be written in place. */
  readonly own: boolean;
  /** The first one's entry. */
  readonly entry: Entry;
}

const ABSENT_STRETCH = { kind: 'absent', offset: 0, own: false, entry: { high: 0, low: 0 } } as const;

export class Mapping {
  readonly #store: Store;
  readonly #allocator: Allocator;
  readonly #making = new Locks();

  constructor(store: Store, allocator: Allocator) {
    this.#store = store;
    this.#allocator = allocator;
  }

  /** What is known of guest cluster `cluster` and at most `most` from there on; a promise if a table must be read first. */
  find(cluster: number, most: number): Stretch | Promise<Stretch> {
    const { tables, l2Entries, header, bytes } = this.#store;
    const index = cluster % l2Entries;
    const l1At = header.l1.offset + ((cluster - index) / l2Entries) * ENTRY;
    const l1 = tables.peek(l1At);
    if (l1 === undefined) return this.#findLater(l1At, cluster, most);
    const at = l1At - l1.offset;
    const table = offsetOf(l1.view.getUint32(at), l1.view.getUint32(at + 4));
    if (table === 0) return { ...ABSENT_STRETCH, count: Math.min(most, l2Entries - index) };
    if (table % this.#store.clusterSize !== 0 || table >= bytes.end) {
      throw new ImageError('an L1 table entry points outside the image');
    }
    const l2At = table + index * ENTRY;
    const l2 = tables.peek(l2At);
    if (l2 === undefined) return this.#findLater(l2At, cluster, most);
    return this.#stretchFrom(l2, l2At - l2.offset, most);
  }

  /** Gives guest clusters new entries. What the old ones referred to loses a reference once the new ones are durable. */
  async replace(cluster: number, count: number, entryOf: (i: number) => Entry): Promise<void> {
    const { tables, l2Entries } = this.#store;
    for (let i = 0; i < count; ) {
      const index = (cluster + i) % l2Entries;
      const at = (await this.#ownTable((cluster + i - index) / l2Entries)) + index * ENTRY;
      const slice = tables.peek(at) ?? (await tables.load(at));
      for (let place = at - slice.offset; i < count && place < slice.bytes.length; place += ENTRY) {
        this.#replaceOne(slice, place, entryOf(i++));
        if ((cluster + i) % l2Entries === 0) break;
      }
      tables.changed(slice);
    }
  }

  async #findLater(at: number, cluster: number, most: number): Promise<Stretch> {
    await this.#store.tables.load(at);
    return this.find(cluster, most);
  }

  #stretchFrom({ view, bytes }: Slice, place: number, most: number): Stretch {
    const high = view.getUint32(place);
    const low = view.getUint32(place + 4);
    const kind = kindOf(high, low);
    const entry = { high, low };
    if (kind === 'compressed') return { kind, count: 1, offset: 0, own: false, entry };
    const offset = offsetOf(high, low);
    const own = offset !== 0 && isCopied(high);
    this.#check(kind, offset);
    const step = offset === 0 ? 0 : this.#store.clusterSize;
    let count = 1;
    for (let at = place + ENTRY; count < most && at < bytes.length; at += ENTRY) {
      const nextHigh = view.getUint32(at);
      const nextLow = view.getUint32(at + 4);
      if (kindOf(nextHigh, nextLow) !== kind || offsetOf(nextHigh, nextLow) !== offset + count * step) break;
      if (offset !== 0 && (isCopied(nextHigh) !== own || offset + count * step >= this.#store.bytes.end)) break;
      count++;
    }
    return { kind, count, offset, own, entry };
  }

  #check(kind: ClusterKind, offset: number): void {
    const { clusterSize, bytes, header } = this.#store;
    if (offset % clusterSize !== 0) throw new ImageError('an L2 table entry is not aligned to a cluster');
    if (offset >= bytes.end && offset !== 0) throw new ImageError('an L2 table entry points outside the image');
    if (kind === 'zero' && header.version === 2) throw new ImageError('an L2 table entry has unknown bits');
  }

  #replaceOne({ view }: Slice, place: number, entry: Entry): void {
    const { clusterSize, unreferenced, header } = this.#store;
    const old = { high: view.getUint32(place), low: view.getUint32(place + 4) };
    view.setUint32(place, entry.high);
    view.setUint32(place + 4, entry.low);
    const offset = offsetOf(old.high, old.low);
    if (kindOf(old.high, old.low) === 'compressed') {
      const range = compressedRange(old, header.clusterBits);
      const last = Math.floor((range.offset + range.bytes - 1) / clusterSize);
      for (let each = Math.floor(range.offset / clusterSize); each <= last; each++) unreferenced.push(each);
    } else if (offset !== 0 && offset !== offsetOf(entry.high, entry.low)) {
      unreferenced.push(offset / clusterSize);
    }
  }

  /** Where the L2 table with number `index` is, made or copied first if it is missing or shared. */
  async #ownTable(index: number): Promise<number> {
    const at = this.#store.header.l1.offset + index * ENTRY;
    const found = await this.#l1Entry(at);
    if (isCopied(found.high)) return offsetOf(found.high, found.low);
    return this.#making.withLock(index, 1, async () => {
      const { high, low } = await this.#l1Entry(at);
      return isCopied(high) ? offsetOf(high, low) : this.#makeTable(at, offsetOf(high, low));
    });
  }

  async #l1Entry(at: number): Promise<Entry> {
    const slice = this.#store.tables.peek(at) ?? (await this.#store.tables.load(at));
    return { high: slice.view.getUint32(at - slice.offset), low: slice.view.getUint32(at - slice.offset + 4) };
  }

  /** A new L2 table, a copy of that at `old` if there is one; it is complete in the file before L1 can refer to it. */
  async #makeTable(l1At: number, old: number): Promise<number> {
    const { clusterSize, bytes, tables, metadata } = this.#store;
    const content = new Uint8Array(clusterSize);
    if (old !== 0) {
      await bytes.read(old, [content]);
      // Shared entries are not the image's own; a table that claims otherwise is not believed.
      const view = viewOf(content);
      for (let i = 0; i < clusterSize; i += ENTRY) view.setUint32(i, (view.getUint32(i) & ~COPIED) >>> 0);
    }
    const { offset } = await this.#allocator.allocate(1);
    try {
      tables.forget(offset, clusterSize);
      await bytes.write(offset, [content]);
    } catch (error) {
      await this.#allocator.release([offset / clusterSize]);
      throw error;
    }
    const l1 = await tables.load(l1At);
    const entry = owned(offset);
    l1.view.setUint32(l1At - l1.offset, entry.high);
    l1.view.setUint32(l1At - l1.offset + 4, entry.low);
    tables.changed(l1);
    metadata.add(offset);
    if (old !== 0) {
      metadata.delete(old);
      this.#store.unreferenced.push(old / clusterSize);
    }
    return offset;
  }
}
