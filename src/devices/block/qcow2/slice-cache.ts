/**
 * A bounded cache of metadata: tables are read and written in slices of at most 4 KiB, so that a huge table costs only what is used of
 * it. Changed slices stay until they have been written and made durable (`commit.ts` decides when); clean ones make room.
 */
import { KiB } from '../../../base/bits.ts';
import { viewOf } from './format.ts';
import type { ImageBytes } from './image-bytes.ts';

const MOST_SLICE = 4 * KiB;

export interface Slice {
  /** Where in the image file it is. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Looked at since room was last made. */
  used: boolean;
  /** Counts changes. */
  version: number;
}

/** What a slice held at one moment, to be written. */
export interface SliceImage {
  readonly slice: Slice;
  readonly bytes: Uint8Array;
  readonly version: number;
}

export class SliceCache {
  readonly sliceSize: number;
  readonly #bytes: ImageBytes;
  readonly #most: number;
  readonly #slices = new Map<number, Slice>();
  readonly #loading = new Map<number, Promise<Slice>>();
  readonly #changed = new Set<Slice>();
  #last: Slice | undefined;

  /** Holds about `budget` bytes. */
  constructor(bytes: ImageBytes, clusterSize: number, budget: number) {
    this.#bytes = bytes;
    this.sliceSize = Math.min(clusterSize, MOST_SLICE);
    this.#most = Math.max(16, Math.floor(budget / this.sliceSize));
  }

  /** The slice that holds the byte at `offset`, if it is at hand. */
  peek(offset: number): Slice | undefined {
    const start = offset - (offset % this.sliceSize);
    if (this.#last?.offset === start) return this.#last;
    const slice = this.#slices.get(start);
    if (slice !== undefined) {
      slice.used = true;
      this.#last = slice;
    }
    return slice;
  }

  /** The slice that holds the byte at `offset`. It stays at hand for as long as the caller does not wait. */
  async load(offset: number): Promise<Slice> {
    for (;;) {
      const slice = this.peek(offset);
      if (slice !== undefined) return slice;
      await this.#fetch(offset - (offset % this.sliceSize));
    }
  }

  /** Call after each change of a slice's bytes, before anything else gets a chance to run. */
  changed(slice: Slice): void {
    slice.version++;
    this.#changed.add(slice);
  }

  get dirty(): boolean {
    return this.#changed.size > 0;
  }

  /** Whether so much has changed that it should be written before more does. */
  get crowded(): boolean {
    return this.#changed.size > this.#most / 2;
  }

  /** What has changed, as it is now, in the order of the file. */
  snapshot(): SliceImage[] {
    const images = [...this.#changed].map(slice => ({ slice, bytes: slice.bytes.slice(), version: slice.version }));
    return images.sort((a, b) => a.slice.offset - b.slice.offset);
  }

  /** These are durable: slices that have not changed since are clean. */
  settled(images: readonly SliceImage[]): void {
    for (const { slice, version } of images) if (slice.version === version) this.#changed.delete(slice);
  }

  /** Drops what is known of a range of the file, which gets a new use. */
  forget(offset: number, length: number): void {
    this.#last = undefined;
    for (let at = offset; at < offset + length; at += this.sliceSize) {
      const slice = this.#slices.get(at);
      if (slice === undefined) continue;
      this.#slices.delete(at);
      this.#changed.delete(slice);
    }
  }

  #fetch(start: number): Promise<Slice> {
    let loading = this.#loading.get(start);
    if (loading === undefined) {
      loading = this.#read(start).finally(() => this.#loading.delete(start));
      this.#loading.set(start, loading);
    }
    return loading;
  }

  async #read(start: number): Promise<Slice> {
    const bytes = new Uint8Array(this.sliceSize);
    await this.#bytes.read(start, [bytes]);
    const slice = { offset: start, bytes, view: viewOf(bytes), used: true, version: 0 };
    this.#makeRoom();
    this.#slices.set(start, slice);
    return slice;
  }

  /** Second chance: what was used since the last round stays, what has changed stays, the oldest of the rest goes. */
  #makeRoom(): void {
    if (this.#slices.size < this.#most) return;
    let steps = 2 * this.#slices.size;
    for (const [offset, slice] of this.#slices) {
      if (--steps < 0) return;
      this.#slices.delete(offset);
      if (!slice.used && !this.#changed.has(slice)) {
        if (this.#last === slice) this.#last = undefined;
        return;
      }
      slice.used = false;
      this.#slices.set(offset, slice);
    }
  }
}
