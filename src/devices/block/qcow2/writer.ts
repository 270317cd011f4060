/**
 * Writes what the guest writes. Clusters that are the image's own are written in place, without a lock. Others are allocated: new
 * clusters get the data, with what was there before around it, and then the guest's clusters point to them. One request at a time
 * allocates for a given guest cluster.
 */
import { scatteredLength, sliceScattered } from '../../scatter.ts';
import type { Allocator, Run } from './allocator.ts';
import { owned } from './entry.ts';
import type { Locks } from './locks.ts';
import type { Mapping, Stretch } from './mapping.ts';
import type { Backing, Reader } from './reader.ts';
import { ImageError } from './refusal.ts';
import type { Store } from './store.ts';

export interface WriterParts {
  readonly store: Store;
  readonly mapping: Mapping;
  readonly allocator: Allocator;
  readonly reader: Reader;
  readonly backing: Backing | undefined;
  /** Guest clusters whose entries are about to change. */
  readonly locks: Locks;
  /** Runs before an entry may change for the first time. */
  readonly beforeAllocating: () => Promise<void>;
}

/** A part of a request: bytes [offset, offset + length) of the disk. */
interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly buffers: readonly Uint8Array[];
}

export class Writer {
  readonly #parts: WriterParts;
  readonly #clusterSize: number;

  constructor(parts: WriterParts) {
    this.#parts = parts;
    this.#clusterSize = parts.store.clusterSize;
  }

  /** Stores `buffers` at guest byte `offset`. `durable` holds for clusters that are written in place. */
  async write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> {
    const length = scatteredLength(buffers);
    for (let done = 0; done < length; ) {
      const stretch = await this.#find(offset + done, length - done);
      const piece = pieceOf(buffers, offset, done, length);
      done += isInPlace(stretch)
        ? await this.#inPlace(stretch, piece, durable)
        : await this.#allocating(stretch, piece);
    }
  }

  /** Starts a write that lies in clusters of the image's own, side by side; false if it does not, or tables must be read first. */
  writeInPlace(offset: number, buffers: readonly Uint8Array[]): Promise<void> | void | false {
    const { store } = this.#parts;
    const length = scatteredLength(buffers);
    const stretch = this.#find(offset, length);
    if (stretch instanceof Promise) {
      // Whoever goes the long way meets the same error.
      stretch.catch(() => {});
      return false;
    }
    if (!isInPlace(stretch)) return false;
    const within = offset % this.#clusterSize;
    if (stretch.count * this.#clusterSize - within < length) return false;
    if (store.metadata.overlaps(stretch.offset, stretch.count)) return false;
    return store.bytes.write(stretch.offset + within, buffers);
  }

  async #inPlace(stretch: Stretch, { offset, length, buffers }: Piece, durable: boolean): Promise<number> {
    const { store } = this.#parts;
    const within = offset % this.#clusterSize;
    const part = Math.min(length, stretch.count * this.#clusterSize - within);
    if (store.metadata.overlaps(stretch.offset, Math.ceil((within + part) / this.#clusterSize))) {
      throw new ImageError('an L2 table entry points at metadata; `tslaunch image check` tells more');
    }
    await store.bytes.write(stretch.offset + within, sliceScattered(buffers, 0, part), durable);
    return part;
  }

  /** Returns how many bytes of the piece are written: none if others were quicker and it is to be looked at again. */
  async #allocating({ count }: Stretch, piece: Piece): Promise<number> {
    const { locks, beforeAllocating } = this.#parts;
    await beforeAllocating();
    const first = Math.floor(piece.offset / this.#clusterSize);
    return locks.withLock(first, count, async () => {
      const stretch = await this.#find(piece.offset, piece.length);
      if (isInPlace(stretch)) return 0;
      return this.#allocate({ ...stretch, count: Math.min(stretch.count, count) }, first, piece);
    });
  }

  async #allocate(stretch: Stretch, first: number, { offset, length, buffers }: Piece): Promise<number> {
    const { store, mapping, allocator } = this.#parts;
    const size = this.#clusterSize;
    const within = offset % size;
    const wanted = Math.min(stretch.count, Math.ceil((within + length) / size));
    // Clusters set aside for what reads as zeroes are used as they are.
    const reuse = stretch.kind === 'zero' && stretch.own;
    if (reuse && store.metadata.overlaps(stretch.offset, wanted)) {
      throw new ImageError('an L2 table entry points at metadata; `tslaunch image check` tells more');
    }
    const run = reuse ? { offset: stretch.offset, count: wanted, fresh: false } : await allocator.allocate(wanted);
    const part = Math.min(length, run.count * size - within);
    try {
      await this.#fill(run, stretch, first, { offset, length: part, buffers: sliceScattered(buffers, 0, part) });
    } catch (error) {
      if (!reuse) await allocator.release(Array.from({ length: run.count }, (_, i) => run.offset / size + i));
      throw error;
    }
    // Should this fail half-way, some entries refer to the clusters already: then the others are lost until the next repair.
    await mapping.replace(first, run.count, i => owned(run.offset + i * size));
    return part;
  }

  /** Writes the piece to its new clusters, surrounded by what the guest sees there now. */
  async #fill(run: Run, stretch: Stretch, first: number, { offset, length, buffers }: Piece): Promise<void> {
    const { bytes } = this.#parts.store;
    const within = offset % this.#clusterSize;
    if (run.fresh && this.#isZero(stretch, first)) return bytes.write(run.offset + within, buffers);
    const head = await this.#before(first * this.#clusterSize, within);
    const tail = await this.#before(offset + length, run.count * this.#clusterSize - within - length);
    return bytes.write(run.offset, [...head, ...buffers, ...tail]);
  }

  /** What the guest sees in [offset, offset + length), to be kept. */
  async #before(offset: number, length: number): Promise<Uint8Array[]> {
    if (length === 0) return [];
    const bytes = new Uint8Array(length);
    await this.#parts.reader.read(offset, [bytes]);
    return [bytes];
  }

  /** Whether all of these clusters read as zeroes, by what kind they are of. */
  #isZero({ kind }: Stretch, first: number): boolean {
    const { backing } = this.#parts;
    if (kind === 'zero') return true;
    return kind === 'absent' && (backing === undefined || first * this.#clusterSize >= backing.size);
  }

  #find(offset: number, length: number): Stretch | Promise<Stretch> {
    const first = Math.floor(offset / this.#clusterSize);
    return this.#parts.mapping.find(first, Math.ceil((offset + length) / this.#clusterSize) - first);
  }
}

function isInPlace(stretch: Stretch): boolean {
  return stretch.kind === 'data' && stretch.own;
}

function pieceOf(buffers: readonly Uint8Array[], offset: number, done: number, length: number): Piece {
  return {
    offset: offset + done,
    length: length - done,
    buffers: done === 0 ? buffers : sliceScattered(buffers, done, length),
  };
}
