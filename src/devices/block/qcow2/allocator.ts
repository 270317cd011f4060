/**
 * Finds free clusters and counts references. A cluster is taken by setting its refcount in memory; the count is durable before
 * anything on the medium refers to the cluster (`commit.ts`). Clusters behind what the file ever held read as zeroes without having been
 * written: callers are told, and spare themselves the padding.
 */

import { ENTRY, readU64, writeU64 } from './format.ts';
import { giveBack } from './give-back.ts';
import { placeRefcountTable } from './refcount-growth.ts';
import { ImageError } from './refusal.ts';
import type { Slice } from './slice-cache.ts';
import type { Store } from './store.ts';

export interface Run {
  /** Where in the file its first cluster is. */
  readonly offset: number;
  readonly count: number;
  /** Never written, so it reads as zeroes. */
  readonly fresh: boolean;
}

export class Allocator {
  readonly #store: Store;
  readonly #commit: () => Promise<void>;
  /** No cluster before this one is free. */
  #cursor = 0;
  /** Clusters from this one on were never written. */
  #pristine: number;
  /** Where the refcount table is, and how many blocks it can name. */
  #table: { offset: number; entries: number };
  #turn: Promise<unknown> = Promise.resolve();

  /** `commit` makes durable what has changed so far. */
  constructor(store: Store, commit: () => Promise<void>) {
    this.#store = store;
    this.#commit = commit;
    this.#pristine = Math.ceil(store.bytes.end / store.clusterSize);
    const { offset, bytes } = store.header.refcountTable;
    this.#table = { offset, entries: bytes / ENTRY };
  }

  /** Takes 1 to `most` neighbouring clusters. */
  allocate(most: number): Promise<Run> {
    return this.#alone(async () => {
      for (;;) {
        const run = await this.#allocateFrom(this.#cursor, most);
        if (run !== undefined) return run;
      }
    });
  }

  /** Takes one reference from each; a cluster without any is free, and its space the host's again if the file can give it back. */
  release(clusters: readonly number[]): Promise<void> {
    return this.#alone(async () => {
      const free: number[] = [];
      for (const cluster of clusters) {
        const slice = await this.#slice(cluster);
        const index = this.#indexIn(cluster);
        const count = slice === undefined ? 0 : this.#store.width.get(slice.view, index);
        if (slice === undefined || count === 0) throw new ImageError('a cluster that was in use has a refcount of 0');
        this.#store.width.set(slice.view, index, count - 1);
        this.#store.refcountBlocks.changed(slice);
        if (count === 1 && cluster < this.#cursor) this.#cursor = cluster;
        if (count === 1) free.push(cluster);
        if (this.#store.refcountBlocks.crowded) await this.#commit();
      }
      // Before anybody can take them again: that has to wait for this turn's end.
      await giveBack(this.#store, free);
    });
  }

  /** One after the other: each looks for what the one before left free. */
  #alone<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Undefined if nothing was free where it looked; the cursor has moved on. */
  async #allocateFrom(cluster: number, most: number): Promise<Run | undefined> {
    const slice = await this.#slice(cluster);
    if (slice === undefined) {
      await this.#addBlock(cluster);
      return undefined;
    }
    const { width, clusterSize, metadata, refcountBlocks } = this.#store;
    const first = this.#indexIn(cluster);
    const end = (refcountBlocks.sliceSize * 8) / 2 ** this.#store.header.refcountOrder;
    let index = first;
    while (index < end && width.get(slice.view, index) !== 0) index++;
    let count = 0;
    while (count < most && index + count < end && width.get(slice.view, index + count) === 0) {
      width.set(slice.view, index + count, 1);
      count++;
    }
    const start = cluster + index - first;
    this.#cursor = start + count;
    if (count === 0) return undefined;
    refcountBlocks.changed(slice);
    if (metadata.overlaps(start * clusterSize, count)) {
      throw new ImageError('the refcount of metadata in use is 0; `tslaunch image check` tells more');
    }
    return { offset: start * clusterSize, count, fresh: this.#taken(start, count) };
  }

  /** Whether these clusters, just taken, were never written. */
  #taken(start: number, count: number): boolean {
    const fresh = start >= this.#pristine;
    this.#pristine = Math.max(this.#pristine, start + count);
    return fresh;
  }

  /** `cluster` and its neighbours have no refcount block, so they are free: it becomes that block, and counts itself. */
  async #addBlock(cluster: number): Promise<void> {
    const { clusterSize, blockEntries, metadata, bytes, refcountTable, refcountBlocks, width } = this.#store;
    const number = Math.floor(cluster / blockEntries);
    if (number >= this.#table.entries) return this.#growTable();
    const offset = cluster * clusterSize;
    if (metadata.overlaps(offset, 1)) throw new ImageError('metadata in use has no refcount');
    await bytes.write(offset, [new Uint8Array(clusterSize)]);
    this.#taken(cluster, 1);
    refcountBlocks.forget(offset, clusterSize);
    const at = this.#table.offset + number * ENTRY;
    const row = await refcountTable.load(at);
    const slice = await refcountBlocks.load(this.#placeIn(offset, cluster));
    if (refcountTable.peek(at) !== row) return;
    width.set(slice.view, this.#indexIn(cluster), 1);
    refcountBlocks.changed(slice);
    writeU64(row.view, at % refcountTable.sliceSize, offset);
    refcountTable.changed(row);
    metadata.add(offset);
    this.#cursor = cluster + 1;
  }

  /** All that the table can name is in use. Its successor lies behind everything, durable before the header names it. */
  async #growTable(): Promise<void> {
    await this.#commit();
    const { metadata, refcountTable, clusterSize } = this.#store;
    const old = { offset: this.#table.offset, bytes: this.#table.entries * ENTRY };
    const placed = await placeRefcountTable(this.#store, old);
    for (const offset of placed.blocks) this.#store.refcountBlocks.forget(offset, clusterSize);
    for (const offset of placed.blocks) metadata.add(offset);
    refcountTable.forget(old.offset, old.bytes);
    refcountTable.forget(placed.table.offset, placed.table.bytes);
    metadata.add(placed.table.offset, placed.table.bytes);
    metadata.delete(old.offset, old.bytes);
    this.#table = { offset: placed.table.offset, entries: placed.table.bytes / ENTRY };
    this.#pristine = Math.max(this.#pristine, placed.end);
    this.#cursor = placed.end;
    const first = old.offset / clusterSize;
    for (let i = 0; i < old.bytes / clusterSize; i++) this.#store.unreferenced.push(first + i);
  }

  /** The piece of a refcount block that counts a cluster; undefined if there is no such block. */
  async #slice(cluster: number): Promise<Slice | undefined> {
    const { blockEntries, refcountTable, refcountBlocks } = this.#store;
    const number = Math.floor(cluster / blockEntries);
    if (number >= this.#table.entries) return undefined;
    const at = this.#table.offset + number * ENTRY;
    const row = refcountTable.peek(at) ?? (await refcountTable.load(at));
    const offset = readU64(row.view, at % refcountTable.sliceSize);
    if (offset === 0) return undefined;
    const place = this.#placeIn(offset, cluster);
    return refcountBlocks.peek(place) ?? refcountBlocks.load(place);
  }

  /** The byte of a block at `offset` that counts `cluster`. */
  #placeIn(offset: number, cluster: number): number {
    const bits = 2 ** this.#store.header.refcountOrder;
    return offset + Math.floor(((cluster % this.#store.blockEntries) * bits) / 8);
  }

  /** The index of a cluster's refcount in its slice. */
  #indexIn(cluster: number): number {
    const perSlice = (this.#store.refcountBlocks.sliceSize * 8) / 2 ** this.#store.header.refcountOrder;
    return (cluster % this.#store.blockEntries) % perSlice;
  }
}
