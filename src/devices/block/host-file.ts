/**
 * An image's file or block device, opened and locked. Opening it answers every "why not" with a sentence; from then on it is reads
 * and writes. An image that somebody else has open for writing is refused, so two launchers cannot corrupt one.
 */
import { closeSync, constants, fdatasync, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { KiB } from '../../base/bits.ts';
import { HostError, UsageError } from '../../base/errors.ts';
import { deviceNumber, type LockHolder, tryLockFile } from '../../host/file-lock.ts';
import { readCached } from '../../host/read-cached.ts';
import { readFully, writeFully } from './file-io.ts';
import type { ImageFile } from './image-file.ts';
import { BLOCK_IMAGE, type ImageKind, openFailure, wrongKind } from './raw-file-errors.ts';
import { SECTOR } from './registers.ts';

/** Reads up to this size are first tried from the page cache, on the calling thread: a few microseconds. */
const CACHED_READ_LIMIT = 256 * KiB;
/** Device managers lock a block device for a moment when it changes: try again this often and long before refusing. */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 50;

const sync = promisify(fdatasync);

export class HostFile implements ImageFile {
  readonly label: string;
  readonly readOnly: boolean;
  readonly length: number;
  readonly #fd: number;
  /** The same file opened with O_DSYNC: each write there is durable by itself, without waiting for others. */
  readonly #durableFd: number;
  #cachedReads = true;

  private constructor(label: string, fd: number, durableFd: number, length: number) {
    this.label = label;
    this.#fd = fd;
    this.#durableFd = durableFd;
    this.length = length;
    this.readOnly = durableFd === fd;
  }

  /**
   * Opens and locks an image. Throws UsageError, one sentence, for a file that cannot be a disk, and HostError for one that
   * another process has open.
   */
  static async open(path: string, readOnly: boolean, kind: ImageKind = BLOCK_IMAGE): Promise<HostFile> {
    const mode = readOnly ? constants.O_RDONLY : constants.O_RDWR;
    const fd = openImage(path, mode, readOnly, kind);
    let durableFd = fd;
    try {
      refuseWrongKind(path, fstatSync(fd), kind);
      await lock(fd, `${kind.noun} ${path}`, readOnly);
      const length = lengthOf(fd);
      // By descriptor, not by name: the name may have come to mean another file.
      if (!readOnly) durableFd = openSync(`/proc/self/fd/${fd}`, mode | constants.O_DSYNC);
      return new HostFile(path, fd, durableFd, length);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    if (!this.#cachedReads || length > CACHED_READ_LIMIT) return readFully(this.#fd, offset, buffers);
    const count = readCached(this.#fd, offset, buffers);
    if (count === length) return count;
    // A miss, a part, or a file system that cannot tell: the thread pool reads all of it (what is cached is cheap).
    if (count === undefined) this.#cachedReads = false;
    return readFully(this.#fd, offset, buffers);
  }

  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> {
    return writeFully(durable ? this.#durableFd : this.#fd, offset, buffers);
  }

  async flush(): Promise<void> {
    if (!this.readOnly) await sync(this.#fd);
  }

  async close(): Promise<void> {
    if (this.#durableFd !== this.#fd) closeSync(this.#durableFd);
    closeSync(this.#fd);
  }
}

function openImage(path: string, mode: number, readOnly: boolean, kind: ImageKind): number {
  try {
    // Looked at before it is opened: opening a FIFO would wait for its other end.
    refuseWrongKind(path, statSync(path), kind);
    return openSync(path, mode);
  } catch (error) {
    throw openFailure(path, readOnly, error, kind);
  }
}

function refuseWrongKind(path: string, stats: Stats, kind: ImageKind): void {
  if (!stats.isFile() && !stats.isBlockDevice()) throw wrongKind(path, stats, kind);
}

/** Length in bytes. A block device's is not in its inode but in sysfs, in units of 512 bytes. */
function lengthOf(fd: number): number {
  const stats = fstatSync(fd, { bigint: true });
  return stats.isBlockDevice()
    ? Number(readFileSync(`/sys/dev/block/${deviceNumber(stats.rdev)}/size`, 'latin1')) * SECTOR
    : Number(stats.size);
}

/** `image` begins each sentence. */
async function lock(fd: number, image: string, readOnly: boolean): Promise<void> {
  let holder: LockHolder | undefined;
  const tries = fstatSync(fd).isBlockDevice() ? LOCK_TRIES : 1;
  for (let i = 0; i < tries; i++) {
    if (i > 0) await sleep(LOCK_PAUSE_MS);
    holder = tryLockFile(fd, readOnly ? 'shared' : 'exclusive');
    if (holder === undefined) return;
  }
  if (holder?.pid === process.pid) {
    throw new UsageError(
      `${image} is in use by another disk of this guest.`,
      'Name each image once, or open it with ",ro" every time.',
    );
  }
  const who = holder?.pid === undefined ? 'another process' : `process ${holder.pid}`;
  throw new HostError(
    `${image} is in use by ${who}${readOnly ? ', which may write to it' : ''}.`,
    'End that process first, or use a copy of the image; several guests may share one that all of them open with ",ro".',
    { syscall: 'flock', errno: 'EWOULDBLOCK' },
  );
}
