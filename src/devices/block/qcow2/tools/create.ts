/** A new qcow2 image, empty or on top of another. Everything that a fresh image needs fits in its first four clusters and an L1 table. */
import { dirname, resolve } from 'node:path';
import { isPowerOfTwo, KiB, MiB } from '../../../../base/bits.ts';
import { UsageError } from '../../../../base/errors.ts';
import { createFile } from '../../create-file.ts';
import { openImage } from '../../image.ts';
import type { ImageFormat } from '../../options.ts';
import { ENTRY, EXTENSION, FIELD, MAGIC, MOST_BACKING_NAME, MOST_L1_BYTES, viewOf, writeU64 } from '../format.ts';

export interface CreateOptions {
  /** Bytes that the guest sees, a multiple of 512; the base's unless given. */
  readonly size?: number | undefined;
  /** 512 bytes to 2 MiB, a power of two; 64 KiB unless given. */
  readonly clusterSize?: number | undefined;
  /** The image below, relative to the new image's folder, with its format. */
  readonly backing?: { readonly file: string; readonly format: ImageFormat } | undefined;
}

const HEADER_LENGTH = 112;
/** 16 bits, as everybody has them. */
const REFCOUNT_ORDER = 4;

/** Makes a file that is not there yet. Throws UsageError or HostError, with nothing left behind. */
export async function createImage(path: string, options: CreateOptions): Promise<void> {
  const clusterSize = options.clusterSize ?? 64 * KiB;
  if (!isPowerOfTwo(clusterSize) || clusterSize < 512 || clusterSize > 2 * MiB) {
    throw new UsageError(`A cluster size of ${clusterSize} is not possible.`, 'Use a power of two from 512 to 2M.');
  }
  const size = options.size ?? (await sizeOfBase(path, options));
  if (!Number.isSafeInteger(size) || size <= 0 || size % 512 !== 0) {
    throw new UsageError(`A disk of ${size} bytes is not possible.`, 'Use a multiple of 512 bytes, for example 10G.');
  }
  if (options.backing !== undefined) await sizeOfBase(path, options);
  const bytes = freshImage(size, clusterSize, options.backing);
  await createFile(path, file => file.writeFile(bytes));
}

/** The bytes of an image in which nothing was written yet. */
export function freshImage(size: number, clusterSize: number, backing?: CreateOptions['backing']): Uint8Array {
  const l1Entries = Math.ceil(size / (clusterSize * (clusterSize / ENTRY)));
  if (l1Entries * ENTRY > MOST_L1_BYTES) {
    throw new UsageError(
      `A disk of ${size} bytes is too large for clusters of ${clusterSize}.`,
      'Use larger clusters.',
    );
  }
  const l1Clusters = Math.ceil((l1Entries * ENTRY) / clusterSize);
  const perBlock = clusterSize / 2;
  // Header, L1 table, refcount table, then its blocks, which count all of these.
  let blocks = 1;
  while (blocks * perBlock < 2 + l1Clusters + blocks) blocks++;
  const tableClusters = Math.ceil((blocks * ENTRY) / clusterSize);
  while (blocks * perBlock < 1 + l1Clusters + tableClusters + blocks) blocks++;
  const tableAt = 1 + l1Clusters;
  const blocksAt = tableAt + tableClusters;
  const image = new Uint8Array((blocksAt + blocks) * clusterSize);
  const view = viewOf(image);
  view.setUint32(FIELD.magic, MAGIC);
  view.setUint32(FIELD.version, 3);
  view.setUint32(FIELD.clusterBits, Math.log2(clusterSize));
  writeU64(view, FIELD.size, size);
  view.setUint32(FIELD.l1Size, l1Entries);
  writeU64(view, FIELD.l1Offset, clusterSize);
  writeU64(view, FIELD.refcountOffset, tableAt * clusterSize);
  view.setUint32(FIELD.refcountClusters, tableClusters);
  view.setUint32(FIELD.refcountOrder, REFCOUNT_ORDER);
  view.setUint32(FIELD.headerLength, HEADER_LENGTH);
  if (backing !== undefined) nameBacking(image, clusterSize, backing);
  for (let i = 0; i < blocks; i++) {
    writeU64(view, tableAt * clusterSize + i * ENTRY, (blocksAt + i) * clusterSize);
  }
  for (let cluster = 0; cluster < blocksAt + blocks; cluster++) {
    view.setUint16(blocksAt * clusterSize + cluster * 2, 1);
  }
  return image;
}

/** Extension with the format, end of extensions, then the name. */
function nameBacking(image: Uint8Array, clusterSize: number, backing: NonNullable<CreateOptions['backing']>): void {
  const view = viewOf(image);
  const name = new TextEncoder().encode(backing.file);
  const nameAt = HEADER_LENGTH + 16 + 8;
  if (name.length > MOST_BACKING_NAME || nameAt + name.length > clusterSize) {
    throw new UsageError(
      `The name ${backing.file} is too long for an image.`,
      'Use a relative path, or larger clusters.',
    );
  }
  view.setUint32(HEADER_LENGTH, EXTENSION.backingFormat);
  view.setUint32(HEADER_LENGTH + 4, backing.format.length);
  image.set(new TextEncoder().encode(backing.format), HEADER_LENGTH + 8);
  image.set(name, nameAt);
  writeU64(view, FIELD.backingOffset, nameAt);
  view.setUint32(FIELD.backingLength, name.length);
}

async function sizeOfBase(path: string, { backing }: CreateOptions): Promise<number> {
  if (backing === undefined) throw new UsageError('A new image needs a size.', 'Say one, for example 10G.');
  const base = await openImage(resolve(dirname(path), backing.file), {
    readOnly: true,
    format: backing.format,
    backing: true,
  });
  await base.close();
  return base.size;
}
