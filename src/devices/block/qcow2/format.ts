/**
 * The numbers of the qcow2 format (QEMU's docs/interop/qcow2.txt): where header fields are, what bits mean, and the limits beyond
 * which an image is refused as absurd. All integers in an image are big-endian.
 */
import { KiB, MiB } from '../../../base/bits.ts';

/** `QFI\xfb`, the first four bytes. */
export const MAGIC = 0x5146_49fb;

/** Offset and width of each header field; from `incompatible` on, version 3 only. */
export const FIELD = {
  magic: 0,
  version: 4,
  backingOffset: 8,
  backingLength: 16,
  clusterBits: 20,
  size: 24,
  encryption: 32,
  l1Size: 36,
  l1Offset: 40,
  refcountOffset: 48,
  refcountClusters: 56,
  snapshotCount: 60,
  snapshotsOffset: 64,
  incompatible: 72,
  compatible: 80,
  autoclear: 88,
  refcountOrder: 96,
  headerLength: 100,
  compression: 104,
} as const;

export const V2_HEADER = 72;
export const V3_HEADER = 104;
/** Version 2 has refcounts of 16 bits, always. */
export const V2_REFCOUNT_ORDER = 4;

/** Bit numbers of incompatible features; an image with others is not understood. */
export const INCOMPATIBLE = { dirty: 0, corrupt: 1, dataFile: 2, compression: 3, extendedL2: 4 } as const;
/** Bit numbers of compatible features. */
export const COMPATIBLE = { lazyRefcounts: 0 } as const;
/** Bit numbers of features that a writer who does not know them clears. */
export const AUTOCLEAR = { bitmaps: 0 } as const;

export const COMPRESSION = { zlib: 0, zstd: 1 } as const;

/** Types of header extensions. */
export const EXTENSION = {
  end: 0,
  backingFormat: 0xe279_2aca,
  featureNames: 0x6803_f857,
  bitmaps: 0x2385_2875,
} as const;

/** Bits of the upper word of an L1 or L2 entry: refcount is exactly one; the cluster is compressed. */
export const COPIED = 0x8000_0000;
export const COMPRESSED = 0x4000_0000;
/** Offsets take bits 9 to 55 of an entry: these of its upper and lower word. */
export const OFFSET_HIGH = 0x00ff_ffff;
export const OFFSET_LOW = 0xffff_fe00;
/** Bit of the lower word of an L2 entry: the cluster reads as zeroes (version 3). */
export const ZERO = 1;

/** Bytes of an entry of the L1, L2 and refcount tables. */
export const ENTRY = 8;

/** Cluster sizes from 512 bytes to 2 MiB. */
export const CLUSTER_BITS = { least: 9, most: 21 } as const;
/** Refcounts up to 64 bits. */
export const MOST_REFCOUNT_ORDER = 6;
/** QEMU's own limits, which its images keep: an L1 table of 32 MiB, a refcount table of 8 MiB, 65,536 snapshots. */
export const MOST_L1_BYTES = 32 * MiB;
export const MOST_REFCOUNT_TABLE_BYTES = 8 * MiB;
export const MOST_SNAPSHOTS = 65_536;
export const MOST_BACKING_NAME = 1023;
/** Of the first cluster, as much as may hold header, extensions and the backing file's name. */
export const HEADER_AREA = 64 * KiB;
/** Beyond this, byte offsets are not exact as numbers; no file system holds such a file. */
export const MOST_OFFSET = 2 ** 53;

/** A big-endian 64-bit integer as a number: exact below 2^53, and beyond that certainly not less than it. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
}

/** Stores a number below 2^53 as a big-endian 64-bit integer. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / 2 ** 32));
  view.setUint32(offset + 4, value % 2 ** 32);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
