/**
 * Walks all of an image and counts who refers to each cluster: header, active tables, snapshots, bitmaps. An L2 table that several
 * snapshots share is walked once and counts as often as it is referred to, so the time is linear in the file's size whatever
 * a hostile image says.
 */
import { compressedRange, kindOf, offsetOf } from './entry.ts';
import { ENTRY, readU64, viewOf } from './format.ts';
import type { Extent, Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import { ReferenceCounts } from './reference-counts.ts';
import { readSnapshots } from './snapshots.ts';

export interface Usage {
  /** Guest clusters of the active disk that have their own place in the file, and those that are compressed. */
  data: number;
  compressed: number;
}

/** Counts everything but the refcount structures themselves. */
export async function countReferences(bytes: ImageBytes, header: Header): Promise<[ReferenceCounts, Usage]> {
  const references = new ReferenceCounts(bytes, header.clusterSize);
  references.counts[0] = 1;
  /** How often each L2 table is referred to, and whether the active disk does. */
  const tables = new Map<number, { times: number; active: boolean }>();
  const addL1 = async (name: string, l1: Extent, active: boolean): Promise<void> => {
    if (l1.bytes === 0 || !references.addAligned(`${name} L1 table`, l1.offset, l1.bytes)) return;
    for (let at = 0; at < l1.bytes; at += header.clusterSize) {
      const piece = new Uint8Array(Math.min(header.clusterSize, l1.bytes - at));
      await bytes.read(l1.offset + at, [piece]);
      const view = viewOf(piece);
      for (let i = 0; i < piece.length; i += ENTRY) {
        const offset = offsetOf(view.getUint32(i), view.getUint32(i + 4));
        if (offset === 0 || !references.addAligned('an L2 table', offset, header.clusterSize)) continue;
        const known = tables.get(offset);
        tables.set(offset, { times: (known?.times ?? 0) + 1, active: active || known?.active === true });
      }
    }
  };

  await addL1('the', header.l1, true);
  if (header.snapshots.count > 0) {
    const table = await readSnapshots(header, bytes);
    if (table === undefined) references.corrupt('the snapshot table makes no sense');
    else references.addAligned('the snapshot table', table.offset, table.bytes);
    const seen = new Set<number>();
    for (const { l1 } of table?.snapshots ?? []) {
      if (seen.has(l1.offset)) references.corrupt('two snapshots share an L1 table');
      else await addL1("a snapshot's", l1, false);
      seen.add(l1.offset);
    }
  }
  const usage: Usage = { data: 0, compressed: 0 };
  for (const [offset, { times, active }] of tables) {
    const content = new Uint8Array(header.clusterSize);
    await bytes.read(offset, [content]);
    countTable(references, header, content, times, active ? usage : { data: 0, compressed: 0 });
  }
  await countBitmaps(references, bytes, header);
  return [references, usage];
}

function countTable(
  references: ReferenceCounts,
  header: Header,
  content: Uint8Array,
  times: number,
  usage: Usage,
): void {
  const view = viewOf(content);
  for (let i = 0; i < content.length; i += ENTRY) {
    const entry = { high: view.getUint32(i), low: view.getUint32(i + 4) };
    if (entry.high === 0 && entry.low === 0) continue;
    const kind = kindOf(entry.high, entry.low);
    const offset = offsetOf(entry.high, entry.low);
    if (kind === 'compressed') {
      const range = compressedRange(entry, header.clusterBits);
      references.add('a compressed cluster', range.offset, range.bytes, times);
      usage.compressed++;
    } else if (kind === 'zero' && header.version === 2) {
      references.corrupt('an L2 entry has bits that version 2 does not know');
    } else if (offset !== 0) {
      references.addAligned('a data cluster', offset, header.clusterSize, times);
      usage.data++;
    }
  }
}

/** Dirty bitmaps that other programs keep: a directory, a table each, and their clusters. */
async function countBitmaps(references: ReferenceCounts, bytes: ImageBytes, header: Header): Promise<void> {
  const directory = header.bitmaps;
  if (directory === undefined || directory.bytes > 64 * 65_536) return;
  if (!references.addAligned('the bitmap directory', directory.offset, directory.bytes)) return;
  const rows = new Uint8Array(directory.bytes);
  await bytes.read(directory.offset, [rows]);
  const view = viewOf(rows);
  for (let i = 0, at = 0; i < directory.count && at + 24 <= rows.length; i++) {
    const table = { offset: readU64(view, at), bytes: view.getUint32(at + 8) * ENTRY };
    at += Math.ceil((24 + view.getUint32(at + 20) + view.getUint16(at + 18)) / 8) * 8;
    if (!references.addAligned('a bitmap table', table.offset, table.bytes)) continue;
    const content = new Uint8Array(table.bytes);
    await bytes.read(table.offset, [content]);
    const entries = viewOf(content);
    for (let entry = 0; entry < table.bytes; entry += ENTRY) {
      const offset = offsetOf(entries.getUint32(entry), entries.getUint32(entry + 4));
      if (offset !== 0) references.addAligned('a bitmap', offset, header.clusterSize);
    }
  }
}
