/**
 * Reads and writes that need no waiting: preadv2(2) and pwritev2(2) with RWF_NOWAIT copy what the page cache holds, or has room for, and
 * never sleep for a disk. For small requests that is ten times faster than a trip through Node's thread pool, and the caller keeps the
 * pool for the others. Which file systems write so is found out by asking: xfs does, ext4 and tmpfs do not.
 */
import { fillVector, VECTOR_ADDRESS } from './iovec.ts';
import { errno, libc } from './libc.ts';

/** Return at once unless the data can be copied without blocking (linux/fs.h). */
const RWF_NOWAIT = 8;
/** Scattered buffers that one call takes; more are for the thread pool. */
const MAX_BUFFERS = 64;

type Positioned = (fd: number, iov: number, count: number, offset: number, flags: number) => number;
const preadv2: Positioned = libc.func('intptr_t preadv2(int fd, uintptr_t iov, int count, int64_t offset, int flags)');
const pwritev2: Positioned = libc.func(
  'intptr_t pwritev2(int fd, uintptr_t iov, int count, int64_t offset, int flags)',
);

/** That this file or file system has no such way, so that asking again is pointless. */
const NEVER: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EINVAL', 'ENOSYS']);

/**
 * Reads from `fd` at `offset` into `buffers` what is cached. Returns the count, possibly short or 0; `undefined` when this file
 * or file system cannot do it, so that asking again is pointless.
 */
export function readCached(fd: number, offset: number, buffers: readonly Uint8Array[]): number | undefined {
  if (!suits(buffers)) return 0;
  const count = preadv2(fd, VECTOR_ADDRESS, fillVector(buffers), offset, RWF_NOWAIT);
  if (count >= 0) return count;
  return errno() === 'EAGAIN' ? 0 : undefined;
}

/**
 * Writes `buffers` to `fd` at `offset` as far as the page cache takes them at once; they are on no medium yet. Returns the count, possibly short
 * or 0, which it is, too, when an ordinary write would fail; `undefined` when this file or file system cannot do it.
 */
export function writeCached(fd: number, offset: number, buffers: readonly Uint8Array[]): number | undefined {
  if (!suits(buffers)) return 0;
  const count = pwritev2(fd, VECTOR_ADDRESS, fillVector(buffers), offset, RWF_NOWAIT);
  if (count >= 0) return count;
  return NEVER.has(errno()) ? undefined : 0;
}

function suits(buffers: readonly Uint8Array[]): boolean {
  return buffers.length <= MAX_BUFFERS && buffers.every(({ buffer }) => buffer instanceof ArrayBuffer);
}
