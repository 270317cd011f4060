/**
 * Registers as data: a row a register, with the bits that software may change and the bits that writing a one clears. From
 * the rows come the write rule for every byte, the values after reset, and the names that traces print.
 */
import { readLe, type Width, writeLe } from '../base/bits.ts';

export interface RegisterRow {
  readonly name: string;
  readonly offset: number;
  /** Size in bytes. Three is for class codes. */
  readonly width: 1 | 2 | 3 | 4;
  /** Bits that software may set and clear; none when absent. */
  readonly writable?: number;
  /** Bits that writing a one clears; none when absent. */
  readonly clearedByOne?: number;
  /** Value after reset; 0 when absent. */
  readonly reset?: number;
}

const byteOf = (value: number | undefined, index: number): number => ((value ?? 0) >>> (8 * index)) & 0xff;

/** The rules for a block of `size` bytes. Holds no register values: those are the caller's bytes. */
export class RegisterTable {
  readonly size: number;
  readonly rows: readonly RegisterRow[];
  readonly #writable: Uint8Array;
  readonly #clearedByOne: Uint8Array;
  readonly #initial: Uint8Array;
  readonly #owner: (RegisterRow | undefined)[];

  /** Throws RangeError when rows overlap or reach past `size`. */
  constructor(size: number, rows: readonly RegisterRow[]) {
    this.size = size;
    this.rows = rows;
    this.#writable = new Uint8Array(size);
    this.#clearedByOne = new Uint8Array(size);
    this.#initial = new Uint8Array(size);
    this.#owner = new Array(size).fill(undefined);
    for (const row of rows) this.#add(row);
  }

  #add(row: RegisterRow): void {
    if (row.offset < 0 || row.offset + row.width > this.size) {
      throw new RangeError(`register ${row.name} reaches past the block's ${this.size} bytes`);
    }
    for (let i = 0; i < row.width; i++) {
      const at = row.offset + i;
      const owner = this.#owner[at];
      if (owner) throw new RangeError(`registers ${owner.name} and ${row.name} overlap at ${at}`);
      this.#owner[at] = row;
      this.#writable[at] = byteOf(row.writable, i);
      this.#clearedByOne[at] = byteOf(row.clearedByOne, i);
      this.#initial[at] = byteOf(row.reset, i);
    }
  }

  /** Puts all registers to their values after reset. */
  reset(bytes: Uint8Array): void {
    bytes.set(this.#initial);
  }

  read(bytes: Uint8Array, offset: number, width: Width): number {
    return readLe(bytes, offset, width);
  }

  /** Applies a write of software's; bytes past the end are dropped. Returns whether any bit changed. */
  write(bytes: Uint8Array, offset: number, width: Width, value: number): boolean {
    let changed = false;
    for (let i = 0; i < width; i++) {
      const at = offset + i;
      if (at < 0 || at >= this.size) continue;
      const old = bytes[at]!;
      const written = byteOf(value, i);
      const writable = this.#writable[at]!;
      const next = (old & ~writable & ~(written & this.#clearedByOne[at]!)) | (written & writable);
      if (next === old) continue;
      bytes[at] = next;
      changed = true;
    }
    return changed;
  }

  /** Changes a register the way hardware does, whatever software may do to it. Throws RangeError for an unknown name. */
  poke(bytes: Uint8Array, name: string, value: number): void {
    const row = this.row(name);
    if (row.width === 3) {
      writeLe(bytes, row.offset, 2, value);
      writeLe(bytes, row.offset + 2, 1, value >>> 16);
    } else writeLe(bytes, row.offset, row.width, value);
  }

  row(name: string): RegisterRow {
    const row = this.rows.find(r => r.name === name);
    if (!row) throw new RangeError(`there is no register ${name}`);
    return row;
  }

  /** The register that holds the byte at `offset`, with the byte's place inside wider ones: `BAR0`, `BAR0[2]`. */
  nameAt(offset: number): string | undefined {
    const row = this.#owner[offset];
    if (!row) return undefined;
    return offset === row.offset ? row.name : `${row.name}[${offset - row.offset}]`;
  }
}
