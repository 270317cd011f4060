/**
 * Locks on disk images, so that two launchers cannot corrupt one: flock(2), exclusive for a writable image and shared for a
 * read-only one. The lock belongs to the open file and goes with it, however the process ends.
 */
import { fstatSync, readFileSync } from 'node:fs';
import { HostError } from '../base/errors.ts';
import { errno, libc } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

const flock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');

/** Who keeps a lock from us; the process is unknown when it lives in another PID namespace. */
export interface LockHolder {
  readonly pid: number | undefined;
}

/** Locks the open file, or tells who has it locked already. Throws HostError where the file system knows no locks. */
export function tryLockFile(fd: number, mode: 'exclusive' | 'shared'): LockHolder | undefined {
  if (flock(fd, (mode === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0) return undefined;
  const name = errno();
  if (name === 'EAGAIN') return { pid: lockHolder(fd) };
  throw new HostError(`flock failed with ${name}.`, undefined, { syscall: 'flock', errno: name });
}

/** The first process that /proc/locks lists with a flock on this file. */
function lockHolder(fd: number): number | undefined {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  try {
    return parseLocks(readFileSync('/proc/locks', 'latin1'), lockedDevice(dev), ino);
  } catch {
    return undefined;
  }
}

/**
 * Finds the holder of a flock in the text of /proc/locks (proc(5)): `1: FLOCK  ADVISORY  WRITE 4242 fe:00:131074 0 EOF`. Network file
 * systems (NFS, 9p) turn a flock into a POSIX lock of the whole file and list it as such, in pieces once bytes of it were locked again.
 * Some file systems (btrfs) show a device number there that stat(2) does not know: then the inode alone decides.
 */
export function parseLocks(text: string, device: string, inode: bigint): number | undefined {
  const rows = text
    .split('\n')
    .map(line => /^\d+: (FLOCK|POSIX) +ADVISORY +\S+ +(-?\d+) +([0-9a-f]+:[0-9a-f]+):(\d+) \d+ (?:EOF|\d+)$/.exec(line))
    .filter(match => match !== null && match[4] === inode.toString());
  const find = (kind: string, place?: string) =>
    rows.find(match => match![1] === kind && (place === undefined || match![3] === place));
  const row = find('FLOCK', device) ?? find('FLOCK') ?? find('POSIX', device) ?? find('POSIX');
  const pid = Number(row?.[2]);
  return pid > 0 ? pid : undefined;
}

/** A device number as /proc/locks writes it: hexadecimal, at least two digits each. */
export function lockedDevice(dev: bigint): string {
  return [majorOf(dev), minorOf(dev)].map(part => part.toString(16).padStart(2, '0')).join(':');
}

/** The halves of a dev_t as glibc packs them (sys/sysmacros.h). */
function majorOf(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xffff_f000n);
}
function minorOf(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & 0xffff_ff00n);
}
