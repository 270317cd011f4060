/**
 * Reads that need no waiting: preadv2(2) with RWF_NOWAIT copies what the page cache holds and never sleeps for a disk. For small
 * reads that is ten times faster than a trip through Node's thread pool, and the caller keeps the pool for whatever misses.
 */
import { addressOf } from './address.ts';
import { errno, libc } from './libc.ts';

/** Return at once unless the data can be copied without blocking (linux/fs.h). */
const RWF_NOWAIT = 8;
/** Scattered buffers that one call takes; more are for the thread pool. */
const MAX_BUFFERS = 64;

const preadv2: (fd: number, iov: BigUint64Array, count: number, offset: number, flags: number) => number = libc.func(
  'int64_t preadv2(int fd, const void *iov, int count, int64_t offset, int flags)',
);

/** `struct iovec` times MAX_BUFFERS: address, length. Main alone uses it, and only within a call. */
const iovec = new BigUint64Array(2 * MAX_BUFFERS);

/**
 * Reads from `fd` at `offset` into `buffers` what is cached. Returns the count, possibly short or 0; `undefined` when this file
 * or file system cannot do it, so that asking again is pointless.
 */
export function readCached(fd: number, offset: number, buffers: readonly Uint8Array[]): number | undefined {
  if (buffers.length > MAX_BUFFERS) return 0;
  for (let i = 0; i < buffers.length; i++) {
    const { buffer, byteOffset, byteLength } = buffers[i]!;
    if (!(buffer instanceof ArrayBuffer)) return 0;
    iovec[2 * i] = BigInt(addressOf(buffer) + byteOffset);
    iovec[2 * i + 1] = BigInt(byteLength);
  }
  const count = preadv2(fd, iovec, buffers.length, offset, RWF_NOWAIT);
  if (count >= 0) return count;
  return errno() === 'EAGAIN' ? 0 : undefined;
}
