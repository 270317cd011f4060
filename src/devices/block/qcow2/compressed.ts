/**
 * Compressed clusters, for reading: a guest reads one in several requests, so the last few stay unpacked. A hostile image can make none
 * larger than a cluster.
 */
import { inflateRaw } from 'node:zlib';
import { MiB } from '../../../base/bits.ts';
import { compressedRange, type Entry } from './entry.ts';
import { ImageError } from './refusal.ts';
import type { Store } from './store.ts';
import { decodeZstd } from './zstd.ts';

/** Memory for unpacked clusters. */
const BUDGET = 4 * MiB;
/** Z_SYNC_FLUSH: what there is of a stream comes out, even if its end is missing. */
const SYNC_FLUSH = 2;

export class CompressedClusters {
  readonly #store: Store;
  readonly #unpacked = new Map<string, Promise<Uint8Array>>();
  readonly #most: number;

  constructor(store: Store) {
    this.#store = store;
    this.#most = Math.max(2, Math.floor(BUDGET / store.clusterSize));
  }

  /** The whole cluster. Rejects with ImageError if it cannot be unpacked. */
  read(entry: Entry): Promise<Uint8Array> {
    // Compressed clusters are never written, so an entry means the same bytes for as long as anything has it.
    const key = `${entry.high}:${entry.low}`;
    let cluster = this.#unpacked.get(key);
    this.#unpacked.delete(key);
    cluster ??= this.#unpack(entry);
    cluster.catch(() => this.#unpacked.delete(key));
    this.#unpacked.set(key, cluster);
    for (const oldest of this.#unpacked.keys()) {
      if (this.#unpacked.size <= this.#most) break;
      this.#unpacked.delete(oldest);
    }
    return cluster;
  }

  async #unpack(entry: Entry): Promise<Uint8Array> {
    const { header, clusterSize, bytes } = this.#store;
    const range = compressedRange(entry, header.clusterBits);
    if (range.offset === 0 || range.offset >= bytes.end || range.bytes > 2 * clusterSize + 512) {
      throw new ImageError('a compressed cluster lies outside the image');
    }
    // The last sector that is counted may be there in part only.
    const packed = new Uint8Array(Math.min(range.bytes, bytes.end - range.offset));
    await bytes.read(range.offset, [packed]);
    const cluster = await (header.compression === 'zstd'
      ? decodeZstd(packed, clusterSize)
      : inflate(packed, clusterSize));
    if (cluster.length !== clusterSize) throw new ImageError('a compressed cluster unpacks to another size');
    return cluster;
  }
}

function inflate(packed: Uint8Array, most: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    inflateRaw(packed, { finishFlush: SYNC_FLUSH, maxOutputLength: most }, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(new ImageError('a compressed cluster cannot be decompressed', { cause: error }));
    });
  });
}
