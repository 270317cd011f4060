/**
 * Guest RAM as every thread sees it: a few mappings of one memory, addressed by guest-physical address (GPA). Nothing here
 * trusts an address: whatever is not wholly RAM throws a DriverError, which costs the guest its device and nothing else.
 */
import { hex } from '../base/bits.ts';
import { DriverError } from '../base/errors.ts';

/** Contiguous RAM: `bytes` is the host's mapping of [gpa, gpa + bytes.length). */
export interface RamRegion {
  readonly gpa: number;
  readonly bytes: Uint8Array;
}

interface Mapping extends RamRegion {
  readonly end: number;
  readonly view: DataView;
}

export class GuestMemory {
  /** Ascending by GPA, not overlapping. Neighbours may touch (RAM above 4 GiB is mapped in pieces). */
  readonly regions: readonly RamRegion[];
  /** Total RAM in bytes. */
  readonly size: number;
  readonly #mappings: readonly Mapping[];

  constructor(regions: readonly RamRegion[]) {
    this.regions = [...regions].sort((a, b) => a.gpa - b.gpa);
    this.#mappings = this.regions.map(({ gpa, bytes }) => ({
      gpa,
      bytes,
      end: gpa + bytes.length,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    }));
    this.size = regions.reduce((sum, region) => sum + region.bytes.length, 0);
  }

  /** True when all of [gpa, gpa + length) is RAM. A length of 0 asks about the address itself. */
  has(gpa: number, length: number): boolean {
    if (!Number.isSafeInteger(gpa) || !Number.isSafeInteger(length) || gpa < 0 || length < 0) return false;
    let at = gpa;
    const end = gpa + length;
    for (const m of this.#mappings) {
      if (at < m.gpa) return false;
      if (at < m.end) {
        at = m.end;
        if (at >= end) return true;
      }
    }
    return false;
  }

  /** The range as zero-copy views, one for each mapping it touches. Throws DriverError unless all of it is RAM. */
  pieces(gpa: number, length: number): Uint8Array[] {
    if (!this.has(gpa, length)) throw outside(gpa, length);
    const out: Uint8Array[] = [];
    let at = gpa;
    const end = gpa + length;
    for (const m of this.#mappings) {
      if (at >= end) break;
      if (at >= m.end) continue;
      const stop = Math.min(end, m.end);
      out.push(m.bytes.subarray(at - m.gpa, stop - m.gpa));
      at = stop;
    }
    return out;
  }

  /** The range as one zero-copy view. Throws DriverError unless it is RAM and lies in one mapping. */
  bytes(gpa: number, length: number): Uint8Array {
    const m = this.#mapping(gpa, length);
    return m.bytes.subarray(gpa - m.gpa, gpa - m.gpa + length);
  }

  /** The range as one DataView, for rings that are read many times. Throws like {@link bytes}. */
  view(gpa: number, length: number): DataView {
    const m = this.#mapping(gpa, length);
    return new DataView(m.bytes.buffer, m.bytes.byteOffset + gpa - m.gpa, length);
  }

  /** Copies guest memory out into `target`. */
  read(gpa: number, target: Uint8Array): void {
    let at = 0;
    for (const piece of this.pieces(gpa, target.length)) {
      target.set(piece, at);
      at += piece.length;
    }
  }

  /** Copies `source` into guest memory. */
  write(gpa: number, source: Uint8Array): void {
    let at = 0;
    for (const piece of this.pieces(gpa, source.length)) {
      piece.set(source.subarray(at, at + piece.length));
      at += piece.length;
    }
  }

  u8(gpa: number): number {
    const m = this.#mapping(gpa, 1);
    return m.view.getUint8(gpa - m.gpa);
  }

  u16(gpa: number): number {
    const m = this.#mapping(gpa, 2);
    return m.view.getUint16(gpa - m.gpa, true);
  }

  u32(gpa: number): number {
    const m = this.#mapping(gpa, 4);
    return m.view.getUint32(gpa - m.gpa, true);
  }

  u64(gpa: number): bigint {
    const m = this.#mapping(gpa, 8);
    return m.view.getBigUint64(gpa - m.gpa, true);
  }

  setU8(gpa: number, value: number): void {
    const m = this.#mapping(gpa, 1);
    m.view.setUint8(gpa - m.gpa, value);
  }

  setU16(gpa: number, value: number): void {
    const m = this.#mapping(gpa, 2);
    m.view.setUint16(gpa - m.gpa, value, true);
  }

  setU32(gpa: number, value: number): void {
    const m = this.#mapping(gpa, 4);
    m.view.setUint32(gpa - m.gpa, value, true);
  }

  setU64(gpa: number, value: bigint): void {
    const m = this.#mapping(gpa, 8);
    m.view.setBigUint64(gpa - m.gpa, value, true);
  }

  #mapping(gpa: number, length: number): Mapping {
    for (const m of this.#mappings) {
      if (gpa >= m.gpa && gpa + length <= m.end) return m;
    }
    throw outside(gpa, length);
  }
}

function outside(gpa: number, length: number): DriverError {
  return new DriverError(`guest address ${hex(gpa)} with ${length} bytes is not (wholly) RAM`);
}
