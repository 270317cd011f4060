/**
 * An open qcow2 image as a disk. This joins the parts and knows when what is durable: a flush commits data, refcounts and tables in
 * order, a durable write does so only if its tables are not durable already.
 */
import type { BlockBackend } from '../backend.ts';
import type { BlockSizes } from '../block-sizes.ts';
import { GroupSync } from '../group-sync.ts';
import { Allocator } from './allocator.ts';
import { commit } from './commit.ts';
import { CompressedClusters } from './compressed.ts';
import { Epochs } from './epochs.ts';
import type { Header } from './header.ts';
import { HeaderMarks } from './header-marks.ts';
import type { ImageBytes } from './image-bytes.ts';
import { Locks } from './locks.ts';
import { Mapping } from './mapping.ts';
import type { MetadataMap } from './metadata-map.ts';
import { Reader } from './reader.ts';
import { Store } from './store.ts';
import { Writer } from './writer.ts';
import { Zeroer } from './zeroer.ts';

export class Qcow2 implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly label: string;
  readonly #store: Store;
  readonly #backing: BlockBackend | undefined;
  readonly #epochs = new Epochs();
  readonly #allocator: Allocator;
  readonly #marks: HeaderMarks;
  readonly #commits: GroupSync;
  readonly #reader: Reader;
  readonly #writer: Writer;
  readonly #zeroer: Zeroer;
  /** What still gives clusters back; ends without failing. */
  #releasing: Promise<void> = Promise.resolve();

  /** Over parts that have been checked; `open.ts` makes them. */
  constructor(header: Header, bytes: ImageBytes, metadata: MetadataMap, backing: BlockBackend | undefined) {
    this.size = header.size;
    this.readOnly = bytes.file.readOnly;
    this.label = bytes.file.label;
    this.#backing = backing;
    const store = new Store(header, bytes, metadata);
    this.#store = store;
    this.#marks = new HeaderMarks(header, bytes);
    this.#commits = new GroupSync(() => commit(store, clusters => this.#release(clusters)));
    const allocator = new Allocator(store, () => this.#commits.run());
    this.#allocator = allocator;
    const mapping = new Mapping(store, allocator);
    const compressed = new CompressedClusters(store);
    const reader = new Reader({ store, mapping, compressed, epochs: this.#epochs, backing });
    this.#reader = reader;
    const beforeAllocating = () => this.#marks.allocating();
    const shared = { store, mapping, backing, locks: new Locks(), beforeAllocating };
    this.#writer = new Writer({ ...shared, allocator, reader });
    this.#zeroer = new Zeroer({ ...shared, writer: this.#writer, between: () => this.#relieve() });
  }

  read(offset: number, buffers: readonly Uint8Array[]): number | Promise<number> {
    return this.#reader.read(offset, buffers);
  }

  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void {
    if (!durable && !this.readOnly && this.#marks.changed) {
      const quick = this.#writer.writeInPlace(offset, buffers);
      if (quick !== false) return quick && this.#counted(quick);
    }
    // With all tables durable a write in place need not wait for others to become so.
    const alone = durable && !this.#store.dirty;
    return this.#changing(async () => {
      await this.#writer.write(offset, buffers, alone);
      if (durable && (!alone || this.#store.dirty)) await this.#commits.run();
    });
  }

  /** A discard gives whole clusters back. */
  get blockSizes(): BlockSizes {
    return { logical: 512, physical: Math.min(4096, this.#store.clusterSize), discard: this.#store.clusterSize };
  }

  flush(): Promise<void> {
    return this.readOnly ? Promise.resolve() : this.#commits.run();
  }

  /** [offset, offset + length) reads as zeroes afterwards; with `unmap` its clusters are given back. */
  writeZeroes(offset: number, length: number, unmap: boolean): Promise<void> {
    return this.#changing(() => this.#zeroer.writeZeroes(offset, length, unmap));
  }

  /** Whole clusters in [offset, offset + length) are given back and read as zeroes where the image can say so. */
  discard(offset: number, length: number): Promise<void> {
    return this.#changing(() => this.#zeroer.discard(offset, length));
  }

  /** Makes everything durable and marks the image as clean. The files are closed even if that fails. */
  async close(): Promise<void> {
    try {
      if (!this.readOnly) await this.#settle();
    } finally {
      await this.#store.bytes.file.close();
      await this.#backing?.close();
    }
  }

  async #settle(): Promise<void> {
    await this.#commits.run();
    await this.#releasing;
    if (this.#store.dirty) await this.#commits.run();
    await this.#marks.clean();
  }

  /** No table changes in these, so there is nothing to wait for but the write. */
  #counted(request: Promise<void>): Promise<void> {
    const epoch = this.#epochs.enter();
    return request.finally(() => this.#epochs.leave(epoch));
  }

  async #changing(action: () => Promise<void>): Promise<void> {
    if (this.readOnly) throw new Error('the image is open for reading only');
    const epoch = this.#epochs.enter();
    try {
      await this.#marks.changing();
      await action();
    } finally {
      this.#epochs.leave(epoch);
    }
    await this.#relieve();
  }

  /** Keeps what waits to be written within bounds. */
  async #relieve(): Promise<void> {
    if (this.#store.crowded) await this.#commits.run();
  }

  /** Nothing durable refers to these any more; once no request that began earlier runs, they may get a new use. */
  #release(clusters: readonly number[]): void {
    const passed = this.#epochs.passed();
    this.#releasing = Promise.all([this.#releasing, passed])
      .then(() => this.#allocator.release(clusters))
      .catch(() => this.#marks.suspect());
  }
}
