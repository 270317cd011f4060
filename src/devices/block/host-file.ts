/** An image's file or block device, open and locked: from here on it is reads and writes. Opening is `open-file.ts`. */
import { closeSync, constants, fdatasync, fstatSync } from 'node:fs';
import { promisify } from 'node:util';
import { MiB } from '../../base/bits.ts';
import { lengthNow } from '../../host/file-space.ts';
import { readCached, writeCached } from '../../host/page-cache.ts';
import { scatteredLength } from '../scatter.ts';
import { type BlockSizes, blockSizesOf } from './block-sizes.ts';
import { DirectIo } from './direct-io.ts';
import { type FileIo, readFully, writeFully } from './file-io.ts';
import { Holes } from './holes.ts';
import type { DiskFile } from './image-file.ts';
import { acquireIo, releaseIo } from './io-engine.ts';
import { openLocked, reopen } from './open-file.ts';
import type { ImageKind } from './raw-file-errors.ts';

/** Reads and writes up to this size are first tried in the page cache, on the calling thread: at most some hundred microseconds, and less
 * than handing large ones to the thread pool costs. */
const CACHED_LIMIT = 1 * MiB;

const sync = promisify(fdatasync);

export interface HostFileOptions {
  readonly readOnly: boolean;
  /** Past the page cache; not unless given. */
  readonly direct?: boolean | undefined;
  /** Never gives space back to the host; not unless given. */
  readonly keepSpace?: boolean | undefined;
  /** A block image unless given. */
  readonly kind?: ImageKind;
}

export class HostFile implements DiskFile {
  readonly label: string;
  readonly readOnly: boolean;
  readonly length: number;
  readonly blockSizes: BlockSizes;
  readonly discard: DiskFile['discard'];
  readonly #fd: number;
  /** The same file opened with O_DSYNC: each write there is durable by itself, without waiting for others. */
  readonly #durableFd: number;
  readonly #direct: DirectIo | undefined;
  readonly #holes: Holes;
  #cachedReads: boolean;
  #cachedWrites: boolean;
  #failedSync: unknown;
  #closed = false;
  readonly #io: FileIo;

  private constructor(label: string, fd: number, durableFd: number, direct: DirectIo | undefined, keepSpace: boolean) {
    const stats = fstatSync(fd);
    this.label = label;
    this.length = lengthNow(fd);
    this.readOnly = durableFd === fd;
    this.blockSizes = blockSizesOf(fd, stats);
    this.#fd = fd;
    this.#durableFd = durableFd;
    this.#direct = direct;
    this.#cachedReads = direct === undefined;
    this.#cachedWrites = direct === undefined;
    this.#io = acquireIo();
    const holes = new Holes(fd, stats.isBlockDevice(), (offset, buffers) => this.write(offset, buffers, false));
    this.#holes = holes;
    this.discard =
      keepSpace || this.readOnly
        ? undefined
        : async (offset, length) => {
            this.#mustBeOpen();
            return holes.discard(offset, length);
          };
  }

  /**
   * Opens and locks an image. Throws UsageError, one sentence, for a file that cannot be a disk, and HostError for one that
   * another process has open.
   */
  static async open(path: string, { readOnly, direct, kind, keepSpace = false }: HostFileOptions): Promise<HostFile> {
    const fd = await openLocked(path, readOnly, kind);
    let durableFd = fd;
    let directIo: DirectIo | undefined;
    try {
      if (!readOnly) durableFd = reopen(fd, false, constants.O_DSYNC);
      if (direct) directIo = DirectIo.open(path, fd, readOnly);
      return new HostFile(path, fd, durableFd, directIo, keepSpace);
    } catch (error) {
      directIo?.close();
      if (durableFd !== fd) closeSync(durableFd);
      closeSync(fd);
      throw error;
    }
  }

  lengthNow(): number {
    this.#mustBeOpen();
    return lengthNow(this.#fd);
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    this.#mustBeOpen();
    const length = scatteredLength(buffers);
    if (this.#direct?.suits(offset, buffers)) return this.#readDirect(this.#direct, offset, buffers, length);
    if (!this.#cachedReads || length > CACHED_LIMIT) return readFully(this.#fd, offset, buffers, this.#io);
    const count = readCached(this.#fd, offset, buffers);
    if (count === length) return count;
    // A miss, a part, or a file system that cannot tell: the thread pool reads all of it (what is cached is cheap).
    if (count === undefined) this.#cachedReads = false;
    return readFully(this.#fd, offset, buffers, this.#io);
  }

  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void {
    this.#mustBeOpen();
    if (this.#direct?.suits(offset, buffers)) {
      const { fd, durableFd } = this.#direct;
      return writeFully(durable ? durableFd : fd, offset, buffers, this.#io.writev);
    }
    if (durable) return writeFully(this.#durableFd, offset, buffers, this.#io.writev);
    if (this.#cachedWrites && this.#writeCached(offset, buffers)) return;
    return writeFully(this.#fd, offset, buffers, this.#io.writevCached);
  }

  async zero(offset: number, length: number, unmap: boolean): Promise<void> {
    this.#mustBeOpen();
    return this.#holes.zero(offset, length, unmap);
  }

  /**
   * After a failed sync the kernel forgets what it could not write and reports success next time (fsync(2)): nobody knows what is on the
   * medium, so every later flush fails as well.
   */
  async flush(): Promise<void> {
    this.#mustBeOpen();
    if (this.readOnly) return;
    if (this.#failedSync !== undefined) throw this.#failedSync;
    try {
      await sync(this.#fd);
    } catch (error) {
      this.#failedSync = error;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    releaseIo();
    this.#direct?.close();
    if (this.#durableFd !== this.#fd) closeSync(this.#durableFd);
    closeSync(this.#fd);
  }

  /** A request that hung for too long may go on after the end: its descriptor's number may belong to another file by then. */
  #mustBeOpen(): void {
    if (this.#closed) throw new Error('the image is closed');
  }

  /** Whether the page cache took all of it on the spot. */
  #writeCached(offset: number, buffers: readonly Uint8Array[]): boolean {
    const length = scatteredLength(buffers);
    if (length > CACHED_LIMIT) return false;
    const count = writeCached(this.#fd, offset, buffers);
    if (count === undefined) this.#cachedWrites = false;
    return count === length;
  }

  /** A file's end need not be aligned: what lies behind its last whole block is read through the page cache. */
  async #readDirect(direct: DirectIo, offset: number, buffers: readonly Uint8Array[], length: number): Promise<number> {
    const count = await readFully(direct.fd, offset, buffers, this.#io).catch(error => {
      if ((error as NodeJS.ErrnoException).code === 'EINVAL') return 0;
      throw error;
    });
    return count === length ? count : readFully(this.#fd, offset, buffers, this.#io);
  }
}
