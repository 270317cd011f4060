/** The mark in L1 and L2 entries that a cluster is the active disk's alone and may be written in place: true if and only if its refcount is 1. */
import { isCopied, kindOf, offsetOf } from './entry.ts';
import { COPIED, ENTRY, viewOf } from './format.ts';
import type { Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import type { ReferenceCounts } from './reference-counts.ts';

/** Returns how many marks are wrong; sets them right if asked. */
export async function checkCopied(
  bytes: ImageBytes,
  header: Header,
  references: ReferenceCounts,
  repair: boolean,
): Promise<number> {
  const { clusterSize, l1 } = header;
  const { counts } = references;
  const tables: number[] = [];
  const pass = async (offset: number, length: number, level: 1 | 2): Promise<number> => {
    const content = new Uint8Array(length);
    await bytes.read(offset, [content]);
    const view = viewOf(content);
    let wrong = 0;
    for (let i = 0; i < length; i += ENTRY) {
      const high = view.getUint32(i);
      const target = offsetOf(high, view.getUint32(i + 4));
      const cluster = target / clusterSize;
      if (target === 0 || (counts[cluster] ?? 0) === 0) continue;
      if (level === 1) tables.push(target);
      const alone = counts[cluster] === 1 && (level === 1 || kindOf(high, 0) !== 'compressed');
      if (isCopied(high) === alone) continue;
      wrong++;
      view.setUint32(i, (alone ? high | COPIED : high & ~COPIED) >>> 0);
    }
    if (wrong > 0 && repair) await bytes.write(offset, [content]);
    return wrong;
  };
  let wrong = 0;
  for (let at = 0; at < l1.bytes; at += clusterSize) {
    wrong += await pass(l1.offset + at, Math.min(clusterSize, l1.bytes - at), 1);
  }
  for (const table of new Set(tables)) wrong += await pass(table, clusterSize, 2);
  if (wrong > 0) references.tell(`${wrong} L1 and L2 entries say wrongly whether their cluster is theirs alone`);
  return wrong;
}
