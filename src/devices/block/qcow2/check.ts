/**
 * Checks an image against itself: refcounts against what really refers to each cluster, and the mark for "mine alone" against the
 * refcounts. Clusters counted too high are leaks, which cost space only; too low is corruption. Either can be repaired by writing what was
 * counted.
 */

import { checkCopied } from './check-copied.ts';
import { ENTRY, FIELD, readU64, viewOf } from './format.ts';
import type { Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import { rebuildRefcounts } from './rebuild.ts';
import { REFCOUNT_WIDTHS } from './refcount-width.ts';
import type { ReferenceCounts } from './reference-counts.ts';
import { countReferences, type Usage } from './references.ts';

export type Repair = 'none' | 'leaks' | 'all';

export interface CheckResult extends Usage {
  /** Clusters of the file. */
  readonly clusters: number;
  /** Clusters that are counted higher than they are referred to. */
  readonly leaks: number;
  /** Contradictions that may lose data. */
  readonly corruptions: number;
  /** Leaks and corruptions that are still there. */
  readonly unrepaired: number;
  /** The first of them, in words. */
  readonly problems: readonly string[];
}

/** What is wrong with the refcounts. */
interface Differences {
  leaks: number;
  tooLow: number;
  /** A block is missing, or lies where it cannot be. */
  structure: boolean;
}

/** Checks and, if asked, repairs. Nobody else may use the image meanwhile. */
export async function checkImage(bytes: ImageBytes, header: Header, repair: Repair): Promise<CheckResult> {
  const [references, usage] = await countReferences(bytes, header);
  const counts = references.counts.slice();
  const blocks = await countRefcountBlocks(bytes, header, references);
  const found = await compare(bytes, header, references, blocks, repair);
  let unrepaired = references.corruptions;
  if (found.structure && repair === 'all') await rebuildRefcounts(bytes, header, counts);
  else if (found.structure) unrepaired++;
  const copied = await checkCopied(bytes, header, references, repair !== 'none');
  if (repair === 'none') unrepaired += found.leaks + copied;
  if (repair !== 'all') unrepaired += found.tooLow;
  if (repair !== 'none') await bytes.sync();
  if (repair === 'all' && unrepaired === 0 && header.dirty) await clearDirty(bytes);
  return {
    ...usage,
    clusters: references.counts.length,
    leaks: found.leaks,
    corruptions: references.corruptions + found.tooLow + copied + (found.structure ? 1 : 0),
    unrepaired,
    problems: references.problems,
  };
}

/** Where the blocks are, 0 for those that are missing; undefined for those that lie where they cannot. */
async function countRefcountBlocks(
  bytes: ImageBytes,
  header: Header,
  references: ReferenceCounts,
): Promise<(number | undefined)[]> {
  const { offset, bytes: length } = header.refcountTable;
  references.addAligned('the refcount table', offset, length);
  const table = new Uint8Array(length);
  await bytes.read(offset, [table]);
  const blocks: (number | undefined)[] = [];
  const seen = new Set<number>();
  for (let at = 0; at < length; at += ENTRY) {
    const block = readU64(viewOf(table), at);
    const end = references.counts.length * header.clusterSize;
    const sound = block % header.clusterSize === 0 && block < end && !seen.has(block) && isFree(references, block);
    if (block !== 0) seen.add(block);
    if (block === 0 || sound) blocks.push(block);
    else blocks.push(undefined);
    if (block !== 0 && sound) references.addAligned('a refcount block', block, header.clusterSize);
  }
  return blocks;
}

function isFree({ counts, clusterSize }: ReferenceCounts, offset: number): boolean {
  return offset === 0 || counts[offset / clusterSize] === 0;
}

async function compare(
  bytes: ImageBytes,
  header: Header,
  references: ReferenceCounts,
  blocks: readonly (number | undefined)[],
  repair: Repair,
): Promise<Differences> {
  const width = REFCOUNT_WIDTHS[header.refcountOrder]!;
  const perBlock = (header.clusterSize * 8) / 2 ** header.refcountOrder;
  const { counts } = references;
  const found: Differences = { leaks: 0, tooLow: 0, structure: false };
  if (blocks.length * perBlock < counts.length && counts.subarray(blocks.length * perBlock).some(count => count > 0)) {
    found.structure = true;
  }
  for (const [number, block] of blocks.entries()) {
    const wanted = counts.subarray(number * perBlock, (number + 1) * perBlock);
    if (block === undefined || (block === 0 && wanted.some(count => count > 0))) found.structure = true;
    if (block === undefined || block === 0) continue;
    const content = new Uint8Array(header.clusterSize);
    await bytes.read(block, [content]);
    const view = viewOf(content);
    let changed = false;
    for (let i = 0; i < perBlock; i++) {
      const stored = width.get(view, i);
      const real = wanted[i] ?? 0;
      if (stored === real) continue;
      if (stored > real) found.leaks++;
      else found.tooLow++;
      if (stored < real)
        references.tell(`cluster ${number * perBlock + i} has refcount ${stored} and ${real} references`);
      if (real > width.most)
        references.corrupt(`cluster ${number * perBlock + i} has more references than a refcount holds`);
      else if (repair === 'all' || (repair === 'leaks' && stored > real)) {
        width.set(view, i, real);
        changed = true;
      }
    }
    if (changed) await bytes.write(block, [content]);
  }
  if (found.structure) references.tell('the refcount table lacks blocks, or names impossible ones');
  return found;
}

async function clearDirty(bytes: ImageBytes): Promise<void> {
  const byte = new Uint8Array(1);
  await bytes.read(FIELD.incompatible + 7, [byte]);
  await bytes.write(FIELD.incompatible + 7, [Uint8Array.of(byte[0]! & ~1)]);
  await bytes.sync();
}
