/**
 * Which clusters of the file hold metadata that is in use. A damaged or hostile image may point data, or a second table, at them:
 * whatever is about to be written asks here first, so that one damage does not become another.
 */

import { isCopied, offsetOf } from './entry.ts';
import { ENTRY, readU64, viewOf } from './format.ts';
import type { Extent, Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';
import { damaged } from './refusal.ts';

/** Tables are scanned in pieces of this size. */
const PIECE = 65_536;

export class MetadataMap {
  readonly #clusters = new Set<number>();
  readonly #clusterSize: number;

  constructor(clusterSize: number) {
    this.#clusterSize = clusterSize;
  }

  /** Whether any of `count` clusters from byte `offset` on holds metadata. */
  overlaps(offset: number, count: number): boolean {
    const first = Math.floor(offset / this.#clusterSize);
    for (let i = 0; i < count; i++) if (this.#clusters.has(first + i)) return true;
    return false;
  }

  add(offset: number, bytes = this.#clusterSize): void {
    for (let at = 0; at < bytes; at += this.#clusterSize) this.#clusters.add((offset + at) / this.#clusterSize);
  }

  delete(offset: number, bytes = this.#clusterSize): void {
    for (let at = 0; at < bytes; at += this.#clusterSize) this.#clusters.delete((offset + at) / this.#clusterSize);
  }
}

/** Scans the image's top tables. Throws UsageError if any of what they name lies outside the file or over something else. */
export async function mapMetadata(header: Header, bytes: ImageBytes, label: string): Promise<MetadataMap> {
  const { clusterSize, l1, refcountTable } = header;
  const map = new MetadataMap(clusterSize);
  const end = bytes.end;
  const claim = (name: string, { offset, bytes: length }: Extent) => {
    if (offset % clusterSize !== 0) throw damaged(label, `${name} is not aligned to a cluster`);
    if (offset + length > Math.ceil(end / clusterSize) * clusterSize) {
      throw damaged(label, `${name} lies outside the file`);
    }
    if (map.overlaps(offset, Math.ceil(length / clusterSize))) {
      throw damaged(label, `${name} lies over other metadata`);
    }
    map.add(offset, length);
  };
  map.add(0);
  claim('its L1 table', l1);
  claim('its refcount table', refcountTable);
  if (header.snapshots.count > 0) claim('its snapshot table', { offset: header.snapshots.offset, bytes: clusterSize });
  await eachEntry(bytes, refcountTable, (high, low) => {
    const offset = high * 2 ** 32 + low;
    if (offset !== 0) claim('a refcount block', { offset, bytes: clusterSize });
  });
  await eachEntry(bytes, l1, (high, low) => {
    const offset = offsetOf(high, low);
    if (offset !== 0) claim('an L2 table', { offset, bytes: clusterSize });
    else if (isCopied(high)) throw damaged(label, 'an L2 table lies over its header');
  });
  return map;
}

/** Calls `visit` with each entry's upper and lower word. */
async function eachEntry(bytes: ImageBytes, table: Extent, visit: (high: number, low: number) => void): Promise<void> {
  for (let at = 0; at < table.bytes; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, table.bytes - at));
    await bytes.read(table.offset + at, [piece]);
    const view = viewOf(piece);
    for (let i = 0; i < piece.length; i += ENTRY) {
      if (readU64(view, i) !== 0) visit(view.getUint32(i), view.getUint32(i + 4));
    }
  }
}
