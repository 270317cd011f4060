/**
 * From a descriptor index to checked guest memory: follows a chain through the descriptor table and at most one indirect table
 * (virtio 1.2, 2.7.5). The driver may rewrite the tables while they are read, so each field is read once and every decision
 * falls on that value. What the driver may not do throws a DriverError:
 *
 * - a byte outside RAM, or a chain of more than 2^32 bytes (2.7.5.1)
 * - a device-readable descriptor behind a device-writable one (2.7.4.2)
 * - a loop: more descriptors than the table has entries
 * - an indirect table that was not negotiated, is nested or goes on (NEXT), is empty or no multiple of 16 bytes (2.7.5.3)
 *
 * A descriptor of length 0 is legal (nothing in 2.7.5 forbids it, Linux's vhost accepts it): it adds nothing and its address
 * is not looked at. The WRITE flag of a descriptor that refers to an indirect table is ignored (2.7.5.3.2).
 */
import { DriverError } from '../base/errors.ts';
import { bytesOf, Span } from '../base/views.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { DESC_F_INDIRECT, DESC_F_NEXT, DESC_F_WRITE, DESC_SIZE, MAX_QUEUE_SIZE } from './ring.ts';
import type { Chain } from './virtqueue.ts';

/** Words of a descriptor: address low and high, length, flags and next. */
const DESC_WORDS = DESC_SIZE / 4;
const MAX_CHAIN_BYTES = 2 ** 32;

/** RAM twice: as a buffer whose spans are handed out, and as words to read descriptors from without allocating a view each time. */
interface Region {
  readonly gpa: number;
  readonly end: number;
  readonly buffer: ArrayBufferLike;
  /** Of the region's first byte. */
  readonly offset: number;
  readonly words: Uint32Array;
}

interface Table {
  readonly words: Uint32Array;
  /** Index in `words` of descriptor 0. */
  readonly start: number;
  readonly entries: number;
}

/** A chain that grows as it is read; whoever wants views of its spans has them made, once. */
class Growing implements Chain {
  readonly head: number;
  readonly readableSpans: Span[] = [];
  readonly writableSpans: Span[] = [];
  readableLength = 0;
  writableLength = 0;
  #readable: readonly Uint8Array[] | undefined;
  #writable: readonly Uint8Array[] | undefined;

  constructor(head: number) {
    this.head = head;
  }

  get readable(): readonly Uint8Array[] {
    this.#readable ??= this.readableSpans.map(bytesOf);
    return this.#readable;
  }

  get writable(): readonly Uint8Array[] {
    this.#writable ??= this.writableSpans.map(bytesOf);
    return this.#writable;
  }
}

export class ChainReader {
  readonly #memory: GuestMemory;
  readonly #regions: readonly Region[];
  readonly #table: Table;
  readonly #indirect: boolean;
  readonly #maxIndirect: number;

  /** `desc` is the GPA of a descriptor table with `size` entries; `indirect`: RING_INDIRECT_DESC was negotiated. */
  constructor(memory: GuestMemory, desc: number, size: number, indirect: boolean) {
    this.#memory = memory;
    this.#regions = memory.regions.map(({ gpa, bytes }) => ({
      gpa,
      end: gpa + bytes.length,
      buffer: bytes.buffer,
      offset: bytes.byteOffset,
      words: new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4)),
    }));
    this.#table = this.#tableAt(desc, size * DESC_SIZE);
    this.#indirect = indirect;
    this.#maxIndirect = Math.max(size, MAX_QUEUE_SIZE);
  }

  /** The chain that starts at descriptor `head`. */
  read(head: number): Chain {
    const chain = new Growing(head);
    this.#walk(this.#table, head, chain, false);
    return chain;
  }

  #walk({ words, start, entries }: Table, first: number, chain: Growing, nested: boolean): void {
    let index = first;
    for (let seen = 0; ; seen++) {
      if (index >= entries) throw new DriverError(`descriptor ${index} is outside its table of ${entries}`);
      if (seen === entries) throw new DriverError(`descriptor chain ${chain.head} has a loop`);
      const at = start + index * DESC_WORDS;
      const gpa = words[at]! + words[at + 1]! * 2 ** 32;
      const length = words[at + 2]!;
      const flagsAndNext = words[at + 3]!;
      if (flagsAndNext & DESC_F_INDIRECT) {
        if (!this.#indirect) throw new DriverError(`descriptor ${index} is indirect, which was not negotiated`);
        if (nested) throw new DriverError(`descriptor chain ${chain.head} nests indirect tables`);
        if (flagsAndNext & DESC_F_NEXT) throw new DriverError(`descriptor ${index} is indirect and has a next one`);
        this.#walk(this.#indirectTable(gpa, length), 0, chain, true);
        return;
      }
      this.#add(chain, gpa, length, (flagsAndNext & DESC_F_WRITE) !== 0);
      if (!(flagsAndNext & DESC_F_NEXT)) return;
      index = flagsAndNext >>> 16;
    }
  }

  #add(chain: Growing, gpa: number, length: number, writable: boolean): void {
    if (writable) chain.writableLength += length;
    else if (chain.writableSpans.length > 0) {
      throw new DriverError(`descriptor chain ${chain.head} has a readable part behind a writable one`);
    } else chain.readableLength += length;
    if (length === 0) return;
    if (chain.readableLength + chain.writableLength > MAX_CHAIN_BYTES) {
      throw new DriverError(`descriptor chain ${chain.head} is longer than 4 GiB`);
    }
    const parts = writable ? chain.writableSpans : chain.readableSpans;
    for (const region of this.#regions) {
      if (gpa >= region.gpa && gpa + length <= region.end) {
        parts.push(new Span(region.buffer, region.offset + gpa - region.gpa, length));
        return;
      }
    }
    // Over the border of two mappings, or not RAM: this throws.
    for (const piece of this.#memory.pieces(gpa, length)) {
      parts.push(new Span(piece.buffer, piece.byteOffset, piece.length));
    }
  }

  #indirectTable(gpa: number, length: number): Table {
    if (length === 0 || length % DESC_SIZE !== 0) {
      throw new DriverError(`an indirect table of ${length} bytes is not a number of descriptors`);
    }
    if (length / DESC_SIZE > this.#maxIndirect) {
      throw new DriverError(
        `an indirect table of ${length / DESC_SIZE} descriptors is longer than ${this.#maxIndirect}`,
      );
    }
    return this.#tableAt(gpa, length);
  }

  #tableAt(gpa: number, length: number): Table {
    const entries = length / DESC_SIZE;
    if (gpa % 4 === 0) {
      for (const region of this.#regions) {
        if (gpa >= region.gpa && gpa + length <= region.end) {
          return { words: region.words, start: (gpa - region.gpa) / 4, entries };
        }
      }
    }
    // An indirect table need not be aligned, and may lie over the border of two mappings: it is only read, a copy will do.
    const words = new Uint32Array(length / 4);
    this.#memory.read(gpa, new Uint8Array(words.buffer));
    return { words, start: 0, entries };
  }
}
