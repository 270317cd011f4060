/**
 * A qcow2 header, from bytes to a checked description. Pure: nothing is opened here, and whatever an image's maker wrote, the
 * numbers that come out are in bounds, or a sentence says why not.
 */
import { alignDown } from '../../../base/bits.ts';
import { type BackingReference, backingReference, parseExtensions } from './extensions.ts';
import {
  CLUSTER_BITS,
  COMPATIBLE,
  COMPRESSION,
  ENTRY,
  FIELD,
  HEADER_AREA,
  INCOMPATIBLE,
  MAGIC,
  MOST_L1_BYTES,
  MOST_OFFSET,
  MOST_REFCOUNT_ORDER,
  MOST_REFCOUNT_TABLE_BYTES,
  MOST_SNAPSHOTS,
  readU64,
  V2_HEADER,
  V2_REFCOUNT_ORDER,
  V3_HEADER,
  viewOf,
} from './format.ts';
import { damaged, refusal } from './refusal.ts';
import { refuseFeatures } from './unsupported.ts';

/** A run of clusters inside the image file. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

export interface BitmapDirectory extends Extent {
  readonly count: number;
}

export interface Header {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterSize: number;
  /** Bytes that the guest sees, a multiple of 512. */
  readonly size: number;
  readonly backing: BackingReference | undefined;
  readonly l1: Extent;
  readonly refcountTable: Extent;
  /** Bits of a refcount are 2 to this power. */
  readonly refcountOrder: number;
  readonly snapshots: { readonly count: number; readonly offset: number };
  readonly dirty: boolean;
  readonly lazyRefcounts: boolean;
  /** Whether any autoclear feature bit is set. */
  readonly autoclear: boolean;
  readonly bitmaps: BitmapDirectory | undefined;
  readonly compression: keyof typeof COMPRESSION;
}

/** Whether these are the first bytes of a qcow2 image (or of its ancestor, version 1). */
export function isQcow(start: Uint8Array): boolean {
  return start.length >= 4 && viewOf(start).getUint32(0) === MAGIC;
}

/**
 * `area` is the start of the file, up to HEADER_AREA bytes; `length` the file's. Throws UsageError with a sentence on an image that
 * is damaged, absurd, or needs what is not supported.
 */
export function parseHeader(area: Uint8Array, length: number, label: string): Header {
  const view = viewOf(area);
  if (!isQcow(area)) {
    throw refusal(label, 'is no qcow2 image', 'Say format=raw if its bytes are the disk, or convert it with qemu-img.');
  }
  if (area.length < V2_HEADER) throw damaged(label, 'its header is cut off');
  const version = view.getUint32(FIELD.version);
  if (version !== 2 && version !== 3) {
    throw refusal(label, `is of qcow version ${version}`, 'Convert it with `qemu-img convert -O qcow2`.');
  }
  if (version === 3 && area.length < V3_HEADER) throw damaged(label, 'its header is cut off');
  const clusterBits = view.getUint32(FIELD.clusterBits);
  if (clusterBits < CLUSTER_BITS.least || clusterBits > CLUSTER_BITS.most) {
    throw damaged(label, `its clusters are said to be 2^${clusterBits} bytes`);
  }
  const clusterSize = 2 ** clusterBits;
  const headerLength = version === 2 ? V2_HEADER : view.getUint32(FIELD.headerLength);
  const headerEnd = Math.min(clusterSize, HEADER_AREA, area.length);
  if (headerLength < V2_HEADER || (version === 3 && headerLength < V3_HEADER) || headerLength > headerEnd) {
    throw damaged(label, `its header is said to have ${headerLength} bytes`);
  }
  const refcountOrder = version === 2 ? V2_REFCOUNT_ORDER : view.getUint32(FIELD.refcountOrder);
  if (refcountOrder > MOST_REFCOUNT_ORDER) throw damaged(label, 'its refcounts are wider than 64 bits');

  const backingAt = readU64(view, FIELD.backingOffset);
  const extensionsEnd = backingAt > headerLength && backingAt < headerEnd ? backingAt : headerEnd;
  const extensions = parseExtensions(area, headerLength, extensionsEnd, label);
  const incompatible = version === 2 ? [] : bitsAt(view, FIELD.incompatible);
  refuseFeatures(view.getUint32(FIELD.encryption), incompatible, extensions.incompatibleNames, label);

  const size = alignDown(readU64(view, FIELD.size), 512);
  if (size >= MOST_OFFSET) throw damaged(label, 'its size is beyond 8 PiB');
  if (size === 0) throw refusal(label, 'has a size of 0', 'Give it one, for example with `qemu-img resize FILE 1G`.');
  const inside = insideFile(clusterSize, length, label);
  const l1 = { offset: readU64(view, FIELD.l1Offset), bytes: view.getUint32(FIELD.l1Size) * ENTRY };
  if (l1.bytes > MOST_L1_BYTES) throw damaged(label, 'its L1 table is larger than 32 MiB');
  const perL1Entry = clusterSize * (clusterSize / ENTRY);
  if (l1.bytes / ENTRY < Math.ceil(size / perL1Entry)) throw damaged(label, 'its L1 table is too short for its size');
  inside('L1 table', l1);
  const refcountClusters = view.getUint32(FIELD.refcountClusters);
  const refcountTable = { offset: readU64(view, FIELD.refcountOffset), bytes: refcountClusters * clusterSize };
  if (refcountTable.bytes === 0) throw damaged(label, 'it has no refcount table');
  if (refcountTable.bytes > MOST_REFCOUNT_TABLE_BYTES) throw damaged(label, 'its refcount table is larger than 8 MiB');
  inside('refcount table', refcountTable);
  const snapshots = { count: view.getUint32(FIELD.snapshotCount), offset: readU64(view, FIELD.snapshotsOffset) };
  if (snapshots.count > MOST_SNAPSHOTS) throw damaged(label, `it claims ${snapshots.count} snapshots`);
  if (snapshots.count > 0) inside('snapshot table', { offset: snapshots.offset, bytes: clusterSize });

  const autoclear = version === 2 ? [] : bitsAt(view, FIELD.autoclear);
  return {
    version,
    clusterBits,
    clusterSize,
    size,
    backing: backingReference(area, clusterSize, extensions.backingFormat, label),
    l1,
    refcountTable,
    refcountOrder,
    snapshots,
    dirty: incompatible.includes(INCOMPATIBLE.dirty),
    lazyRefcounts: version === 3 && bitsAt(view, FIELD.compatible).includes(COMPATIBLE.lazyRefcounts),
    autoclear: autoclear.length > 0,
    bitmaps: autoclear.includes(0) ? extensions.bitmaps : undefined,
    compression: compressionOf(area, headerLength, incompatible.includes(INCOMPATIBLE.compression), label),
  };
}

/** Numbers of the bits that are set in a big-endian 64-bit field. */
function bitsAt(view: DataView, offset: number): number[] {
  const bits = view.getBigUint64(offset);
  return Array.from({ length: 64 }, (_, i) => i).filter(i => ((bits >> BigInt(i)) & 1n) !== 0n);
}

/** Refuses a table that is not aligned to clusters, begins in the header's cluster or reaches past the end of the file. */
function insideFile(clusterSize: number, length: number, label: string): (name: string, extent: Extent) => void {
  return (name, { offset, bytes }) => {
    if (offset % clusterSize !== 0) throw damaged(label, `its ${name} is not aligned to a cluster`);
    if (offset === 0) throw damaged(label, `its ${name} lies over its header`);
    // The last cluster of a file may be there in part only.
    const end = Math.ceil(length / clusterSize) * clusterSize;
    if (offset >= length || offset + bytes > end) throw damaged(label, `its ${name} reaches past the end of the file`);
  };
}

function compressionOf(
  area: Uint8Array,
  headerLength: number,
  flagged: boolean,
  label: string,
): keyof typeof COMPRESSION {
  const type = headerLength > FIELD.compression ? (area[FIELD.compression] ?? 0) : COMPRESSION.zlib;
  if (flagged !== (type !== COMPRESSION.zlib))
    throw damaged(label, 'its compression type contradicts its feature bits');
  if (type === COMPRESSION.zlib) return 'zlib';
  if (type === COMPRESSION.zstd) return 'zstd';
  throw refusal(
    label,
    `is compressed in an unknown way (type ${type})`,
    'Convert it with `qemu-img convert -O qcow2`.',
  );
}
