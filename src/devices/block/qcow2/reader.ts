/**
 * Reads what the guest sees. The common case, clusters that lie together in the file and tables that are at hand, goes straight
 * into guest memory, and at once if the page cache has it; all else is put together piece by piece.
 */
import { scatteredLength, sliceScattered } from '../../scatter.ts';
import type { BlockBackend } from '../backend.ts';
import type { CompressedClusters } from './compressed.ts';
import type { Epochs } from './epochs.ts';
import type { Mapping, Stretch } from './mapping.ts';
import { ImageError } from './refusal.ts';
import type { Store } from './store.ts';

/** The image below, as far as reading goes. */
export type Backing = Pick<BlockBackend, 'size' | 'read'>;

export interface ReaderParts {
  readonly store: Store;
  readonly mapping: Mapping;
  readonly compressed: CompressedClusters;
  readonly epochs: Epochs;
  readonly backing: Backing | undefined;
}

export class Reader {
  readonly #parts: ReaderParts;
  readonly #clusterSize: number;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#clusterSize = parts.store.clusterSize;
  }

  /** Fills `buffers` from guest byte `offset`; bytes behind the disk's end read as zeroes. */
  read(offset: number, buffers: readonly Uint8Array[]): number | Promise<number> {
    const length = scatteredLength(buffers);
    const stretch = this.#find(offset, length);
    if (!(stretch instanceof Promise) && stretch.kind === 'data' && this.#reach(stretch, offset) >= length) {
      const done = this.#parts.store.bytes.read(stretch.offset + (offset % this.#clusterSize), buffers);
      if (done === undefined) return length;
      return this.#counted(done.then(() => length));
    }
    return this.#counted(this.#piecewise(offset, buffers, length, stretch));
  }

  /** Clusters that the request uses keep their meaning until it ends. Must be called before anything else can run. */
  async #counted(request: Promise<number>): Promise<number> {
    const epoch = this.#parts.epochs.enter();
    try {
      return await request;
    } finally {
      this.#parts.epochs.leave(epoch);
    }
  }

  async #piecewise(
    offset: number,
    buffers: readonly Uint8Array[],
    length: number,
    first: Stretch | Promise<Stretch>,
  ): Promise<number> {
    let next: Stretch | Promise<Stretch> = first;
    for (let done = 0; done < length; ) {
      const stretch = await next;
      const at = offset + done;
      const part = Math.min(this.#reach(stretch, at), length - done);
      await this.#readPart(stretch, at, sliceScattered(buffers, done, done + part), part);
      done += part;
      if (done < length) next = this.#find(offset + done, length - done);
    }
    return length;
  }

  async #readPart(stretch: Stretch, at: number, buffers: readonly Uint8Array[], length: number): Promise<void> {
    const within = at % this.#clusterSize;
    switch (stretch.kind) {
      case 'data':
        return this.#parts.store.bytes.read(stretch.offset + within, buffers);
      case 'zero':
        return clear(buffers);
      case 'compressed': {
        const cluster = await this.#parts.compressed.read(stretch.entry);
        let from = within;
        for (const buffer of buffers) {
          buffer.set(cluster.subarray(from, from + buffer.length));
          from += buffer.length;
        }
        return;
      }
      case 'absent':
        return this.#readBelow(at, buffers, length);
    }
  }

  /** What was never written here: the backing file's bytes as far as it reaches, then zeroes. */
  async #readBelow(at: number, buffers: readonly Uint8Array[], length: number): Promise<void> {
    const { backing } = this.#parts;
    const there = backing === undefined ? 0 : Math.min(length, Math.max(0, backing.size - at));
    if (there > 0) {
      const count = await backing!.read(at, sliceScattered(buffers, 0, there));
      if (count !== there) throw new ImageError('a backing file ends early, somebody has shortened it');
    }
    if (there < length) clear(sliceScattered(buffers, there, length));
  }

  #find(offset: number, length: number): Stretch | Promise<Stretch> {
    const first = Math.floor(offset / this.#clusterSize);
    return this.#parts.mapping.find(first, Math.ceil((offset + length) / this.#clusterSize) - first);
  }

  /** Bytes from `offset` to the end of a stretch that begins in its cluster. */
  #reach({ count }: Stretch, offset: number): number {
    return count * this.#clusterSize - (offset % this.#clusterSize);
  }
}

function clear(buffers: readonly Uint8Array[]): void {
  for (const buffer of buffers) buffer.fill(0);
}
