/**
 * A larger refcount table. Everything the old one can name is in use, so the new one and the blocks that count it take the clusters behind:
 * first the blocks, then the table. They are durable before the header, in one sector, names the new table.
 */
import { ENTRY, FIELD, MOST_REFCOUNT_TABLE_BYTES, viewOf, writeU64 } from './format.ts';
import type { Extent } from './header.ts';
import { ImageError } from './refusal.ts';
import type { Store } from './store.ts';

export interface PlacedTable {
  readonly table: Extent;
  readonly blocks: readonly number[];
  /** The first cluster behind them. */
  readonly end: number;
}

/** The new table and its blocks are in use, and on the medium, once this resolves. The old table is not touched. */
export async function placeRefcountTable(store: Store, old: Extent): Promise<PlacedTable> {
  const { clusterSize, blockEntries, bytes, width } = store;
  const first = (old.bytes / ENTRY) * blockEntries;
  const tableBytes = Math.min(old.bytes * 2, MOST_REFCOUNT_TABLE_BYTES);
  if (tableBytes <= old.bytes) throw new ImageError('the image has reached the greatest size that its refcounts allow');
  const tableClusters = tableBytes / clusterSize;
  let blockCount = 1;
  while (blockCount * blockEntries < blockCount + tableClusters) blockCount++;
  const blocks = Array.from({ length: blockCount }, (_, i) => (first + i) * clusterSize);
  const offset = (first + blockCount) * clusterSize;

  if (store.metadata.overlaps(first * clusterSize, blockCount + tableClusters)) {
    throw new ImageError('metadata in use has no refcount');
  }
  const counts = new Uint8Array(blockCount * clusterSize);
  for (let i = 0; i < blockCount + tableClusters; i++) {
    const block = Math.floor(i / blockEntries) * clusterSize;
    width.set(viewOf(counts.subarray(block, block + clusterSize)), i % blockEntries, 1);
  }
  const table = new Uint8Array(tableBytes);
  await bytes.read(old.offset, [table.subarray(0, old.bytes)]);
  for (const [i, block] of blocks.entries()) writeU64(viewOf(table), old.bytes + i * ENTRY, block);
  await bytes.write(blocks[0]!, [counts, table]);
  await bytes.sync();
  await pointHeaderAt(store, { offset, bytes: tableBytes });
  return { table: { offset, bytes: tableBytes }, blocks, end: first + blockCount + tableClusters };
}

async function pointHeaderAt(store: Store, table: Extent): Promise<void> {
  const field = new Uint8Array(FIELD.refcountClusters + 4 - FIELD.refcountOffset);
  writeU64(viewOf(field), 0, table.offset);
  viewOf(field).setUint32(FIELD.refcountClusters - FIELD.refcountOffset, table.bytes / store.clusterSize);
  await store.bytes.write(FIELD.refcountOffset, [field]);
  await store.bytes.sync();
}
