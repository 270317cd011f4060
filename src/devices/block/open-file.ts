/**
 * From a path to an open and locked file or block device. Opening it answers every "why not" with a sentence. An image that somebody
 * else has open for writing is refused, so two launchers cannot corrupt one.
 */
import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostError, UsageError } from '../../base/errors.ts';
import { type LockHolder, tryLockFile } from '../../host/file-lock.ts';
import { joinQemuLocks } from '../../host/qemu-lock.ts';
import { BLOCK_IMAGE, type ImageKind, openFailure, wrongKind } from './raw-file-errors.ts';

/**
 * Try again this often and long before refusing: device managers lock a block device for a moment when it changes, and a launcher
 * that was killed keeps its locks until the kernel has ended its last requests.
 */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 50;

/**
 * Opens and locks an image, exclusively unless read-only. Throws UsageError, one sentence, for what cannot be a disk, and HostError
 * for what another process has open; nothing stays open then.
 */
export async function openLocked(path: string, readOnly: boolean, kind = BLOCK_IMAGE): Promise<number> {
  const fd = openImage(path, readOnly, kind);
  try {
    refuseWrongKind(path, fstatSync(fd), kind);
    await lock(fd, `${kind.noun} ${path}`, readOnly);
    await lockAgainstQemu(fd, `${kind.noun} ${path}`, readOnly);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The same file once more with further flags: by descriptor, not by name, which may have come to mean another file. */
export function reopen(fd: number, readOnly: boolean, flags: number): number {
  return openSync(`/proc/self/fd/${fd}`, accessOf(readOnly) | flags);
}

function accessOf(readOnly: boolean): number {
  return readOnly ? constants.O_RDONLY : constants.O_RDWR;
}

function openImage(path: string, readOnly: boolean, kind: ImageKind): number {
  try {
    // Looked at before it is opened: opening a FIFO would wait for its other end.
    refuseWrongKind(path, statSync(path), kind);
    return openSync(path, accessOf(readOnly));
  } catch (error) {
    throw openFailure(path, readOnly, error, kind);
  }
}

function refuseWrongKind(path: string, stats: Stats, kind: ImageKind): void {
  if (!stats.isFile() && !stats.isBlockDevice()) throw wrongKind(path, stats, kind);
}

/** `image` begins each sentence. Its tools open an image for a moment only: worth a few tries. */
async function lockAgainstQemu(fd: number, image: string, readOnly: boolean): Promise<void> {
  for (let i = 0; i < LOCK_TRIES; i++) {
    if (i > 0) await sleep(LOCK_PAUSE_MS);
    const conflict = readOnly
      ? joinQemuLocks(fd, ['read'], ['write'])
      : joinQemuLocks(fd, ['read', 'write', 'resize'], ['write', 'resize']);
    if (conflict === undefined) return;
  }
  throw new HostError(
    `${image} is in use by QEMU or one of its tools.`,
    'End that first, or use a copy of the image; several guests may share one that all of them only read.',
    { syscall: 'fcntl', errno: 'EAGAIN' },
  );
}

/** `image` begins each sentence. */
async function lock(fd: number, image: string, readOnly: boolean): Promise<void> {
  let holder: LockHolder | undefined;
  for (let i = 0; i < LOCK_TRIES; i++) {
    if (i > 0) await sleep(LOCK_PAUSE_MS);
    holder = tryLockFile(fd, readOnly ? 'shared' : 'exclusive');
    if (holder === undefined) return;
    if (holder.pid === process.pid) break;
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
