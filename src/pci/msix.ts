/**
 * MSI-X (PCI Local Bus 3.0, 6.8.2): a table of messages in a BAR, a mask bit for each and one for all, and pending bits for
 * what happened while masked. Every method that changes something is called with the function's lock held; what only looks
 * at the table takes no lock, so that whoever routes messages may call it from inside `msixChanged`.
 */
import { alignUp, readLe, type Width, writeLe } from '../base/bits.ts';
import type { PciInterrupts } from '../bus/triggers.ts';
import { CAPABILITY_ID, type Capability } from './capability.ts';

/** Where a function keeps its MSI-X structures. */
export interface MsixDescription {
  /** 1 to 2048. */
  readonly vectors: number;
  /** Index into the function's list of BARs. */
  readonly bar: number;
  /** Offsets into that BAR, multiples of 8. */
  readonly tableOffset: number;
  readonly pbaOffset: number;
}

/** What a vector would send. */
export interface MsixMessage {
  readonly address: bigint;
  readonly data: number;
  /** By its own mask bit, by the function's, or because MSI-X is off. */
  readonly masked: boolean;
}

/** Message control register, inside the capability, and its bits. */
export const MSIX_CONTROL = 2;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;

const ENTRY = 16;
const ENTRY_NAMES = ['address', 'addressHigh', 'data', 'control'] as const;
const DATA = 8;
const VECTOR_CONTROL = 12;
const MASK_BIT = 0x1;

export const msixTableSize = (vectors: number): number => vectors * ENTRY;
export const msixPbaSize = (vectors: number): number => alignUp(vectors, 64) / 8;

/** `indicator` is the number of the BAR register (not the index into the list). */
export function msixCapability(msix: MsixDescription, indicator: number): Capability {
  const { vectors, tableOffset, pbaOffset } = msix;
  if (vectors < 1 || vectors > 2048) throw new RangeError(`MSI-X has 1 to 2048 vectors, not ${vectors}`);
  if (tableOffset % 8 !== 0 || pbaOffset % 8 !== 0) throw new RangeError('MSI-X offsets are multiples of 8');
  return {
    id: CAPABILITY_ID.msix,
    name: 'MSI-X',
    length: 12,
    rows: [
      { name: 'control', offset: MSIX_CONTROL, width: 2, reset: vectors - 1, writable: ENABLE | FUNCTION_MASK },
      { name: 'table', offset: 4, width: 4, reset: tableOffset | indicator },
      { name: 'pba', offset: 8, width: 4, reset: pbaOffset | indicator },
    ],
  };
}

export class Msix {
  /** Bytes of register file for the table and the pending bits of `vectors` vectors. */
  static bytesFor(vectors: number): number {
    return msixTableSize(vectors) + msixPbaSize(vectors);
  }

  readonly vectors: number;
  readonly #table: Uint8Array;
  readonly #pending: Uint8Array;
  /** Reads the message control register. */
  readonly #control: () => number;
  readonly #interrupts: PciInterrupts;

  constructor(vectors: number, bytes: Uint8Array, control: () => number, interrupts: PciInterrupts) {
    this.vectors = vectors;
    this.#table = bytes.subarray(0, msixTableSize(vectors));
    this.#pending = bytes.subarray(msixTableSize(vectors), Msix.bytesFor(vectors));
    this.#control = control;
    this.#interrupts = interrupts;
  }

  /** After reset every vector is masked (6.8.2.9), none is pending. */
  reset(): void {
    this.#table.fill(0);
    this.#pending.fill(0);
    for (let v = 0; v < this.vectors; v++) this.#table[v * ENTRY + VECTOR_CONTROL] = MASK_BIT;
  }

  get enabled(): boolean {
    return (this.#control() & ENABLE) !== 0;
  }

  /** Takes no lock. Throws RangeError for a vector that does not exist. */
  message(vector: number): MsixMessage {
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.vectors) {
      throw new RangeError(`there is no MSI-X vector ${vector}`);
    }
    const at = vector * ENTRY;
    const high = BigInt(readLe(this.#table, at + 4, 4)) << 32n;
    return {
      address: high | BigInt(readLe(this.#table, at, 4)),
      data: readLe(this.#table, at + DATA, 4),
      masked: this.#masked(vector),
    };
  }

  /** Sends a vector's message, or remembers it while masked. False (and nothing happens) while MSI-X is off. */
  signal(vector: number): boolean {
    if (!this.enabled || vector < 0 || vector >= this.vectors) return false;
    if (this.#masked(vector)) this.#pending[vector >>> 3]! |= 1 << (vector & 7);
    else this.#interrupts.signalMsix(vector);
    return true;
  }

  /** The control register went from `before` to its present value. */
  controlChanged(before: number): void {
    const now = this.#control();
    if (((before ^ now) & (ENABLE | FUNCTION_MASK)) === 0) return;
    // A function that stops using MSI-X forgets what it wanted to say through it.
    if ((now & ENABLE) === 0) this.#pending.fill(0);
    this.#interrupts.msixChanged();
    for (let v = 0; v < this.vectors; v++) this.#deliver(v);
  }

  readTable(offset: number, width: Width): number {
    return readLe(this.#table, offset, width);
  }

  /** Software should write whole words (6.8.2); smaller pieces are merged into them. */
  writeTable(offset: number, width: Width, value: number): void {
    const vector = Math.floor(offset / ENTRY);
    const entry = this.#table.subarray(vector * ENTRY, (vector + 1) * ENTRY);
    const before = entry.slice();
    const wasMasked = this.#masked(vector);
    writeLe(this.#table, offset, width, value);
    // The two low address bits are always zero, and only the mask bit exists in vector control (6.8.2.6 to 6.8.2.9).
    entry[0]! &= ~0x3;
    entry[VECTOR_CONTROL]! &= MASK_BIT;
    entry.fill(0, VECTOR_CONTROL + 1);
    const masked = this.#masked(vector);
    // A masked entry sends nothing: what changes in it concerns nobody until it is unmasked.
    if (masked && wasMasked) return;
    if (entry.every((byte, i) => byte === before[i])) return;
    this.#interrupts.msixChanged(vector);
    this.#deliver(vector);
  }

  readPba(offset: number, width: Width): number {
    return readLe(this.#pending, offset, width);
  }

  /** `vector2.data`, for a byte of the table. */
  tableName(offset: number): string {
    return `vector${Math.floor(offset / ENTRY)}.${ENTRY_NAMES[(offset % ENTRY) >>> 2]}`;
  }

  #masked(vector: number): boolean {
    if ((this.#control() & (ENABLE | FUNCTION_MASK)) !== ENABLE) return true;
    return (this.#table[vector * ENTRY + VECTOR_CONTROL]! & MASK_BIT) !== 0;
  }

  /** Sends what was pending, now that nothing masks it. The route is up to date: msixChanged has returned. */
  #deliver(vector: number): void {
    const bit = 1 << (vector & 7);
    if ((this.#pending[vector >>> 3]! & bit) === 0 || this.#masked(vector)) return;
    this.#pending[vector >>> 3]! &= ~bit;
    this.#interrupts.signalMsix(vector);
  }
}
