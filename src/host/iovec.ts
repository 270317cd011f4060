/**
 * `struct iovec`, and readv(2) and writev(2) on descriptors that never block, straight between the kernel and memory that a Uint8Array shows,
 * guest RAM above all (not that of a SharedArrayBuffer: koffi tells no addresses of those). One call moves one packet; nothing is allocated for it.
 */
import { addressOf } from './address.ts';
import { errno, libc } from './libc.ts';

/** IOV_MAX: buffers that one call takes. */
export const MAX_BUFFERS = 1024;

const SYS = { readv: 19, writev: 20 } as const;
// syscall(2) in place of the C library's readv and writev, which are points where a thread may be cancelled and pay for that; and
// the vector by its address as a number, since a typed array as argument costs a fifth of the call.
const vectored: (number: number, fd: number, iov: number, count: number) => number = libc.func(
  'int syscall(int number, int fd, uintptr_t iov, int count)',
);

/** Bytes of a `struct iovec`, and 32-bit words: address and length, two each. */
const ENTRY = { bytes: 16, words: 4 } as const;

/** An array of `struct iovec`. */
export class Vectors {
  /** Never moves: V8 keeps only the smallest arrays where its collector may move them. */
  readonly address: number;
  readonly #words: Uint32Array;

  /** Room for `most` buffers. */
  constructor(most: number) {
    this.#words = new Uint32Array(ENTRY.words * most);
    this.address = addressOf(this.#words.buffer);
  }

  /** The address of entry `index`. */
  at(index: number): number {
    return this.address + index * ENTRY.bytes;
  }

  /** Describes `buffers` in order, from entry `from` on; who calls has seen to it that there is room. */
  fill(buffers: readonly ArrayBufferView[], from = 0): void {
    const words = this.#words;
    // Mostly all of them lie in the guest's RAM.
    let buffer: ArrayBufferLike | undefined;
    let base = 0;
    for (let i = 0, at = ENTRY.words * from; i < buffers.length; i++, at += ENTRY.words) {
      const bytes = buffers[i]!;
      if (bytes.buffer !== buffer) {
        buffer = bytes.buffer;
        base = addressOf(buffer);
      }
      put(words, at, base + bytes.byteOffset);
      put(words, at + 2, bytes.byteLength);
    }
  }
}

/** A 64-bit number; stores into the array take numbers modulo 2^32. */
export function put(words: Uint32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = value / 2 ** 32;
}

/** The vector of a call, by any one thread. */
const vector = new Vectors(MAX_BUFFERS);
/** Where {@link fillVector} puts the vector. */
export const VECTOR_ADDRESS = vector.address;

/** Result of a call: bytes moved, or the name of what went wrong. */
export type Moved = number | string;

/** Reads across `buffers` in order. */
export function readVector(fd: number, buffers: readonly ArrayBufferView[]): Moved {
  const count = vectored(SYS.readv, fd, VECTOR_ADDRESS, fillVector(buffers));
  return count >= 0 ? count : errno();
}

/** Writes all of `buffers`. */
export function writeVector(fd: number, buffers: readonly ArrayBufferView[]): Moved {
  const count = vectored(SYS.writev, fd, VECTOR_ADDRESS, fillVector(buffers));
  return count >= 0 ? count : errno();
}

/** Makes the vector of the next call. Returns how many buffers there are. Throws RangeError for more than {@link MAX_BUFFERS}. */
export function fillVector(buffers: readonly ArrayBufferView[]): number {
  const count = buffers.length;
  if (count > MAX_BUFFERS) throw new RangeError(`${count} buffers are more than the ${MAX_BUFFERS} of one call`);
  vector.fill(buffers);
  return count;
}
