/**
 * The register file: one SharedArrayBuffer that holds the registers of every device. Threads share no objects; each builds the
 * same board from the same configuration, asks for the same slices in the same order, and so finds the same bytes. A snapshot
 * is a copy of this buffer.
 */
import { alignUp } from '../base/bits.ts';
import { Lock } from './lock.ts';

/** A named part of the register file: bytes, and the lock that guards them. */
export interface Slice {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The same memory as 32-bit words, for Atomics. */
  readonly words: Int32Array;
  readonly lock: Lock;
}

/** Slices start on cache lines so that devices do not disturb each other. */
const ALIGNMENT = 64;
/** The lock word takes a cache line of its own before each slice. */
const LOCK_BYTES = ALIGNMENT;

export class RegisterFile {
  readonly buffer: SharedArrayBuffer;
  readonly slices = new Map<string, Slice>();
  #used = 0;

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
  }

  static create(size: number): RegisterFile {
    return new RegisterFile(new SharedArrayBuffer(size));
  }

  /** Takes the next `length` bytes under `name`. Throws RangeError if the file is full or the name is taken. */
  slice(name: string, length: number): Slice {
    if (this.slices.has(name)) throw new RangeError(`register slice ${name} exists already`);
    const size = alignUp(Math.max(length, 4), ALIGNMENT);
    const start = this.#used + LOCK_BYTES;
    if (start + size > this.buffer.byteLength) throw new RangeError(`register file is full at slice ${name}`);
    this.#used = start + size;
    const slice: Slice = {
      name,
      bytes: new Uint8Array(this.buffer, start, length),
      words: new Int32Array(this.buffer, start, size / 4),
      lock: new Lock(new Int32Array(this.buffer, start - LOCK_BYTES, 1)),
    };
    this.slices.set(name, slice);
    return slice;
  }
}
