/**
 * Guest RAM for page walks and instruction fetches: the same bytes as GuestMemory, asked "is it RAM, and what is there" in one step
 * and without exceptions, because a walk asks up to ten times at every exit.
 */
import type { RamRegion } from '../memory/guest-memory.ts';

/** A stretch of RAM, [start, end). */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The same as 32-bit words. */
  readonly words: Uint32Array;
}

function pieceOf(start: number, bytes: Uint8Array): Piece {
  const { buffer, byteOffset, length } = bytes;
  const view = new DataView(buffer, byteOffset, length);
  return {
    start,
    end: start + length,
    bytes,
    view,
    words: new Uint32Array(buffer, byteOffset, Math.floor(length / 4)),
  };
}

export class PhysicalMemory {
  readonly #pieces: readonly Piece[];
  /** Where the last access was. */
  #last: Piece;

  /** Takes the regions of a GuestMemory: ascending, not overlapping. */
  constructor(regions: readonly RamRegion[]) {
    this.#pieces = regions.map(({ gpa, bytes }) => pieceOf(gpa, bytes));
    this.#last = this.#pieces[0] ?? pieceOf(0, new Uint8Array(0));
  }

  /** The 32-bit word at `gpa`, unsigned, or -1 if that is not RAM. */
  word(gpa: number): number {
    const piece = this.find(gpa, 4);
    return piece ? piece.view.getUint32(gpa - piece.start, true) : -1;
  }

  /** Sets `bits` in the word at `gpa` (4-aligned) without losing what another CPU writes there at the same time. */
  setBits(gpa: number, bits: number): void {
    const piece = this.find(gpa, 4);
    if (!piece) return;
    const words = new Int32Array(piece.bytes.buffer, piece.bytes.byteOffset + gpa - piece.start, 1);
    Atomics.or(words, 0, bits);
  }

  /** Copies `length` bytes at `gpa` to `target[offset]`. False, and nothing copied, unless all of it lies in one piece of RAM. */
  copy(gpa: number, length: number, target: Uint8Array, offset: number): boolean {
    const piece = this.find(gpa, length);
    if (!piece) return false;
    const from = gpa - piece.start;
    for (let i = 0; i < length; i++) target[offset + i] = piece.bytes[from + i]!;
    return true;
  }

  /** The bytes of [gpa, gpa + length) if all of it lies in one piece of RAM. */
  bytes(gpa: number, length: number): Uint8Array | undefined {
    const piece = this.find(gpa, length);
    return piece?.bytes.subarray(gpa - piece.start, gpa - piece.start + length);
  }

  /** The piece that [gpa, gpa + length) lies in. */
  find(gpa: number, length: number): Piece | undefined {
    const last = this.#last;
    if (gpa >= last.start && gpa + length <= last.end) return last;
    for (let i = 0; i < this.#pieces.length; i++) {
      const piece = this.#pieces[i]!;
      if (gpa >= piece.start && gpa + length <= piece.end) {
        this.#last = piece;
        return piece;
      }
    }
    return undefined;
  }
}
