/**
 * I/O past the page cache (O_DIRECT). The kernel takes only what is aligned to the disk's blocks, in the file and in memory; drivers
 * nearly always align. What is not aligned goes through the page cache, which the kernel keeps in step with direct I/O to one file.
 */
import { closeSync, constants, readSync } from 'node:fs';
import { UsageError } from '../../base/errors.ts';
import { misalignment } from '../../host/file-space.ts';
import { reopen } from './open-file.ts';
import { SECTOR } from './registers.ts';

/** What disks ask for, the finer first. */
const ALIGNMENTS = [SECTOR, 4096];

export class DirectIo {
  readonly fd: number;
  /** With O_DSYNC; the same as `fd` if read-only. */
  readonly durableFd: number;
  readonly #alignment: number;

  private constructor(fd: number, durableFd: number, alignment: number) {
    this.fd = fd;
    this.durableFd = durableFd;
    this.#alignment = alignment;
  }

  /** Opens the file of `cachedFd` a second time. Throws UsageError where the file system knows no direct I/O. */
  static open(path: string, cachedFd: number, readOnly: boolean): DirectIo {
    let fd: number | undefined;
    let durableFd: number | undefined;
    try {
      fd = reopen(cachedFd, readOnly, constants.O_DIRECT);
      const alignment = alignmentOf(fd);
      durableFd = readOnly ? fd : reopen(cachedFd, false, constants.O_DIRECT | constants.O_DSYNC);
      return new DirectIo(fd, durableFd, alignment);
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageError(
        `Block image ${path} cannot be read past the page cache${code === 'EINVAL' ? '' : ` (${code})`}, as cache=none asks.`,
        'Its file system has no direct I/O: use cache=writeback.',
        { cause: error },
      );
    }
  }

  /** Whether the kernel takes this as it is. */
  suits(offset: number, buffers: readonly Uint8Array[]): boolean {
    if (offset % this.#alignment !== 0) return false;
    return buffers.every(
      buffer => buffer.length % this.#alignment === 0 && misalignment(buffer, this.#alignment) === 0,
    );
  }

  close(): void {
    if (this.durableFd !== this.fd) closeSync(this.durableFd);
    closeSync(this.fd);
  }
}

/** The finest alignment that a read gets away with. Throws what the last one fails with. */
function alignmentOf(fd: number): number {
  const room = new Uint8Array(3 * 4096);
  const start = (4096 - misalignment(room, 4096)) % 4096;
  for (const alignment of ALIGNMENTS) {
    try {
      // Neither offset, memory nor length are better aligned than that.
      readSync(fd, room, start + alignment, alignment, alignment);
      return alignment;
    } catch (error) {
      if (alignment === ALIGNMENTS.at(-1) || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }
  throw new Error('unreachable');
}
