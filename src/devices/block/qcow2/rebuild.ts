/**
 * New refcount structures for an image whose old ones have holes: blocks for all that is in use, and a table, all behind the end of the
 * file. The header names them once they are durable; the old ones are free then.
 */
import { ENTRY, FIELD, MOST_REFCOUNT_TABLE_BYTES, viewOf, writeU64 } from './format.ts';
import type { Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import { REFCOUNT_WIDTHS } from './refcount-width.ts';
import { damaged } from './refusal.ts';

interface Layout {
  /** Numbers of the blocks that are needed. */
  readonly blocks: readonly number[];
  /** Clusters of the table. */
  readonly tableClusters: number;
}

/** `counts` are the references by cluster, without those of the old structures. */
export async function rebuildRefcounts(bytes: ImageBytes, header: Header, counts: Uint32Array): Promise<void> {
  const { clusterSize } = header;
  const width = REFCOUNT_WIDTHS[header.refcountOrder]!;
  const perBlock = (clusterSize * 8) / 2 ** header.refcountOrder;
  const start = counts.length;
  const { blocks, tableClusters } = layOut(counts, perBlock, clusterSize);
  if (tableClusters * clusterSize > MOST_REFCOUNT_TABLE_BYTES)
    throw damaged(bytes.file.label, 'it is too large for its refcounts');
  const end = start + blocks.length + tableClusters;
  const table = new Uint8Array(tableClusters * clusterSize);
  for (const [i, number] of blocks.entries()) {
    const content = new Uint8Array(clusterSize);
    for (let j = 0; j < perBlock; j++) {
      const cluster = number * perBlock + j;
      const count = cluster < start ? counts[cluster]! : cluster < end ? 1 : 0;
      if (count > 0) width.set(viewOf(content), j, Math.min(count, width.most));
    }
    await bytes.write((start + i) * clusterSize, [content]);
    writeU64(viewOf(table), number * ENTRY, (start + i) * clusterSize);
  }
  const offset = (start + blocks.length) * clusterSize;
  await bytes.write(offset, [table]);
  await bytes.sync();
  const field = new Uint8Array(12);
  writeU64(viewOf(field), 0, offset);
  viewOf(field).setUint32(8, tableClusters);
  await bytes.write(FIELD.refcountOffset, [field]);
}

/** Blocks count themselves and the table too: tried until it fits. */
function layOut(counts: Uint32Array, perBlock: number, clusterSize: number): Layout {
  const used = new Set<number>();
  for (let cluster = 0; cluster < counts.length; cluster++) {
    if (counts[cluster]! > 0) used.add(Math.floor(cluster / perBlock));
  }
  let own = 1;
  for (;;) {
    const blocks = new Set(used);
    for (let cluster = counts.length; cluster < counts.length + own; cluster++)
      blocks.add(Math.floor(cluster / perBlock));
    let last = 0;
    for (const number of blocks) last = Math.max(last, number);
    const tableClusters = Math.ceil(((last + 1) * ENTRY) / clusterSize);
    if (blocks.size + tableClusters <= own) return { blocks: [...blocks], tableClusters: own - blocks.size };
    own = blocks.size + tableClusters;
  }
}
