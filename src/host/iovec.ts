/**
 * readv(2) and writev(2) on descriptors that never block, straight between the kernel and memory that a Uint8Array shows, guest
 * RAM above all (not that of a SharedArrayBuffer: koffi tells no addresses of those). One call moves one packet; the vector is built without allocating.
 */
import { addressOf } from './address.ts';
import { errno, libc } from './libc.ts';

/** IOV_MAX: buffers that one call takes. */
export const MAX_BUFFERS = 1024;

type Vectored = (fd: number, iov: number, count: number) => number;
// The vector by its address as a number: a typed array as argument costs a fifth of the call.
const readv: Vectored = libc.func('intptr_t readv(int fd, uintptr_t iov, int count)');
const writev: Vectored = libc.func('intptr_t writev(int fd, uintptr_t iov, int count)');

/** `struct iovec` times MAX_BUFFERS as 32-bit halves of address and length. Used within a call only, by any one thread. */
const iov = new Uint32Array(4 * MAX_BUFFERS);
/** Where {@link fillVector} puts the vector. Never moves: V8 keeps only the smallest arrays where its collector may move them. */
export const VECTOR_ADDRESS = addressOf(iov.buffer);

/** Result of a call: bytes moved, or the name of what went wrong. */
export type Moved = number | string;

/** Reads across `buffers` in order. */
export function readVector(fd: number, buffers: readonly ArrayBufferView[]): Moved {
  const count = readv(fd, VECTOR_ADDRESS, fillVector(buffers));
  return count >= 0 ? count : errno();
}

/** Writes all of `buffers`. */
export function writeVector(fd: number, buffers: readonly ArrayBufferView[]): Moved {
  const count = writev(fd, VECTOR_ADDRESS, fillVector(buffers));
  return count >= 0 ? count : errno();
}

/** Makes the vector of the next call. Returns how many buffers there are. Throws RangeError for more than {@link MAX_BUFFERS}. */
export function fillVector(buffers: readonly ArrayBufferView[]): number {
  const count = buffers.length;
  if (count > MAX_BUFFERS) throw new RangeError(`${count} buffers are more than the ${MAX_BUFFERS} of one call`);
  // Mostly all of them lie in the guest's RAM.
  let buffer: ArrayBufferLike | undefined;
  let base = 0;
  for (let i = 0; i < count; i++) {
    const bytes = buffers[i]!;
    if (bytes.buffer !== buffer) {
      buffer = bytes.buffer;
      base = addressOf(buffer);
    }
    const address = base + bytes.byteOffset;
    // Stores into the array take numbers modulo 2^32.
    iov[4 * i] = address;
    iov[4 * i + 1] = address / 2 ** 32;
    iov[4 * i + 2] = bytes.byteLength;
    iov[4 * i + 3] = 0;
  }
  return count;
}
