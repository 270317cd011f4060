/**
 * Makes everything durable in an order that leaves a sound image at every moment: first data and refcounts, then the tables that refer
 * to them. A crash in between leaves clusters that are counted and not used, which costs space and no data. What is written is a
 * picture of one moment, for whatever changes meanwhile may refer to clusters whose refcounts are not durable yet.
 */

import type { SliceImage } from './slice-cache.ts';
import type { Store } from './store.ts';

/** Buffers that one write takes. */
const MOST_BUFFERS = 256;

/** Everything that was written or changed before the call is durable once it resolves. `released` gets the clusters that are free then. */
export async function commit(store: Store, released: (clusters: readonly number[]) => void): Promise<void> {
  const blocks = store.refcountBlocks.snapshot();
  const refcountTable = store.refcountTable.snapshot();
  const tables = store.tables.snapshot();
  const unreferenced = store.unreferenced;
  store.unreferenced = [];
  try {
    await writeSlices(store, blocks);
    if (refcountTable.length > 0) {
      // A refcount block is in place before the table refers to it.
      await store.bytes.sync();
      await writeSlices(store, refcountTable);
    }
    if (tables.length > 0) {
      // Data and refcounts are in place before an L2 entry refers to them, and a new L2 table before L1 does.
      await store.bytes.sync();
      await writeSlices(store, tables);
    }
    await store.bytes.sync();
  } catch (error) {
    store.unreferenced.push(...unreferenced);
    throw error;
  }
  store.refcountBlocks.settled(blocks);
  store.refcountTable.settled(refcountTable);
  store.tables.settled(tables);
  if (unreferenced.length > 0) released(unreferenced);
}

/** Neighbours go in one write. */
async function writeSlices(store: Store, images: readonly SliceImage[]): Promise<void> {
  for (let i = 0; i < images.length; ) {
    const start = images[i]!.slice.offset;
    const run: Uint8Array[] = [];
    let at = start;
    while (i < images.length && images[i]!.slice.offset === at && run.length < MOST_BUFFERS) {
      run.push(images[i]!.bytes);
      at += images[i++]!.bytes.length;
    }
    await store.bytes.write(start, run);
  }
}
