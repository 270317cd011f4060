/**
 * A byte queue in shared memory between vCPU threads and main: what a UART or an emergency console writes, and what is typed
 * at it. The writer waits while it is full, so no byte is lost; the reader never waits.
 * Layout in words: head (next byte to read), tail (next byte to write), both counted modulo 2^32; then the bytes.
 */
import type { Slice } from './register-file.ts';

const HEAD = 0;
const TAIL = 1;
const HEADER = 8;
/** Longest sleep of a waiting writer, in ms; it then looks again, so a stopping machine is noticed. */
const WAIT_MS = 50;

export class ByteRing {
  /** Bytes of register file that a ring of `capacity` (a power of two) needs. */
  static bytesFor(capacity: number): number {
    return HEADER + capacity;
  }

  readonly #slice: Slice;
  readonly #data: Uint8Array;
  readonly #mask: number;

  constructor(slice: Slice) {
    this.#slice = slice;
    this.#data = slice.bytes.subarray(HEADER);
    this.#mask = this.#data.length - 1;
    if (this.#data.length === 0 || (this.#data.length & this.#mask) !== 0) {
      throw new RangeError('a byte ring holds a power of two of bytes');
    }
  }

  get length(): number {
    return (Atomics.load(this.#slice.words, TAIL) - Atomics.load(this.#slice.words, HEAD)) >>> 0;
  }

  get space(): number {
    return this.#data.length - this.length;
  }

  /** Appends one byte unless the ring is full; how many are in it then, 0 if it was full. Safe from several threads. */
  tryPush(byte: number): number {
    return this.#slice.lock.with(() => {
      if (this.space === 0) return 0;
      const tail = this.#slice.words[TAIL]!;
      this.#data[tail & this.#mask] = byte;
      Atomics.store(this.#slice.words, TAIL, (tail + 1) | 0);
      return this.length;
    });
  }

  /**
   * Appends one byte, sleeping while the ring is full; how many are in it then. Gives up (0) once `abandoned()` says so. Never
   * call on main.
   */
  push(byte: number, abandoned: () => boolean): number {
    for (;;) {
      const length = this.tryPush(byte);
      if (length > 0 || abandoned()) return length;
      const head = Atomics.load(this.#slice.words, HEAD);
      // The reader moves HEAD and notifies; if it moved since tryPush, wait returns at once.
      if (this.space === 0) Atomics.wait(this.#slice.words, HEAD, head, WAIT_MS);
    }
  }

  /** Appends as many bytes as fit and returns how many. */
  pushSome(source: Uint8Array): number {
    let count = 0;
    while (count < source.length && this.tryPush(source[count]!) > 0) count++;
    return count;
  }

  /** Takes one byte, or undefined when empty. */
  pop(): number | undefined {
    return this.drain(1)[0];
  }

  /** The next byte without taking it. */
  peek(): number | undefined {
    if (this.length === 0) return undefined;
    return this.#data[this.#slice.words[HEAD]! & this.#mask];
  }

  /** Takes up to `limit` bytes and wakes a waiting writer. */
  drain(limit = this.#data.length): Uint8Array {
    const taken = this.#slice.lock.with(() => {
      const head = this.#slice.words[HEAD]!;
      const count = Math.min(limit, this.length);
      const out = new Uint8Array(count);
      for (let i = 0; i < count; i++) out[i] = this.#data[(head + i) & this.#mask]!;
      Atomics.store(this.#slice.words, HEAD, (head + count) | 0);
      return out;
    });
    if (taken.length > 0) Atomics.notify(this.#slice.words, HEAD);
    return taken;
  }
}
