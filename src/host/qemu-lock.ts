/**
 * QEMU and its tools lock images their own way, which flock(2) does not see: single bytes of the file stand for what a process does to the
 * image (from 100 on) and for what it does not want others to do (from 200 on), each held as a shared open-file-description lock
 * (fcntl(2), F_OFD_SETLK; QEMU's docs, "image locking"). Taking part keeps a QEMU, or a qemu-img, off an image in use, and us off theirs.
 */
import { errno, libc } from './libc.ts';

/** What a process may do to an image. */
export const DEED = { read: 0, write: 1, resize: 3 } as const;
export type Deed = keyof typeof DEED;

const DOES = 100;
const FORBIDS = 200;

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

const fcntl: (fd: number, command: number, lock: Uint8Array) => number = libc.func(
  'int fcntl(int fd, int command, void *lock)',
);

/**
 * Declares what will be done with the open file and what nobody else shall do. Returns what is in the way: a deed of somebody else's that
 * is forbidden, or one of ours that somebody forbids. Undefined if nothing is, and where the file system has no such locks. The locks go
 * when the descriptor is closed, however the process ends.
 */
export function joinQemuLocks(fd: number, does: readonly Deed[], forbids: readonly Deed[]): Deed | undefined {
  for (const deed of does) if (!hold(fd, DOES + DEED[deed])) return undefined;
  for (const deed of forbids) if (!hold(fd, FORBIDS + DEED[deed])) return undefined;
  return (
    does.find(deed => heldByOthers(fd, FORBIDS + DEED[deed])) ??
    forbids.find(deed => heldByOthers(fd, DOES + DEED[deed]))
  );
}

/** False where there are no such locks. Shared ones never conflict with each other, and nobody holds others for longer than a look. */
function hold(fd: number, byte: number): boolean {
  return fcntl(fd, F_OFD_SETLK, flock(F_RDLCK, byte)) === 0 || errno() === 'EAGAIN';
}

/** Whether somebody would be in the way of an exclusive lock. */
function heldByOthers(fd: number, byte: number): boolean {
  const lock = flock(F_WRLCK, byte);
  if (fcntl(fd, F_OFD_GETLK, lock) !== 0) return false;
  return new DataView(lock.buffer).getInt16(0, true) !== F_UNLCK;
}

/** `struct flock`: type, whence (0 is the file's start), start, length, pid (0 with these commands). */
function flock(type: number, byte: number): Uint8Array {
  const lock = new Uint8Array(32);
  const view = new DataView(lock.buffer);
  view.setInt16(0, type, true);
  view.setBigInt64(8, BigInt(byte), true);
  view.setBigInt64(16, 1n, true);
  return lock;
}
