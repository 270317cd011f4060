/**
 * FPU and vector registers in an XSAVE area of standard format (Intel SDM volume 1, 13.4): the 512-byte legacy region, the header, and the upper
 * halves of YMM. A component whose XSTATE_BV bit is clear is in its initial state whatever its bytes say.
 */
import type { Vec } from './vec.ts';

const FCW = 0;
const FSW = 2;
/** Abridged tag word: a set bit is a register in use, by physical register. */
const FTW = 4;
const MXCSR = 24;
const ST = 32;
const XMM = 160;
const HEADER = 512;
const YMM_HIGH = 576;

/** XSTATE components (SDM volume 1, 13.1). */
export const COMPONENT = { x87: 1, sse: 2, avx: 4 } as const;

const FCW_INIT = 0x37f;
export const MXCSR_INIT = 0x1f80;
/** MXCSR bits that exist: exception flags and masks, rounding, FTZ, DAZ. */
export const MXCSR_MASK = 0xffff;

export class FpuState {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Set when anything was changed. */
  changed = false;

  constructor(area: Uint8Array) {
    this.bytes = area;
    this.#view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  }

  /** XSTATE_BV: components that are not in their initial state. */
  get present(): number {
    return this.#view.getUint32(HEADER, true);
  }

  #has(component: number): boolean {
    return (this.#view.getUint32(HEADER, true) & component) !== 0;
  }

  /** Puts a component that was in its initial state into memory, so that a part of it can be changed. */
  #touch(component: number): void {
    this.changed = true;
    const present = this.#view.getUint32(HEADER, true);
    if (present & component) return;
    this.#view.setUint32(HEADER, present | component, true);
    if (component === COMPONENT.x87) {
      this.bytes.fill(0, 0, MXCSR);
      this.bytes.fill(0, ST, XMM);
      this.#view.setUint16(FCW, FCW_INIT, true);
    } else if (component === COMPONENT.sse) {
      this.bytes.fill(0, XMM, XMM + 256);
      this.#view.setUint32(MXCSR, this.mxcsr, true);
    } else this.bytes.fill(0, YMM_HIGH, YMM_HIGH + 256);
  }

  /** Copies register `number` into `into`: 16 bytes, or 32 where `wide`; the rest of `into` is cleared. */
  readVector(number: number, into: Vec, wide: boolean): void {
    into.u8.fill(0);
    if (this.#has(COMPONENT.sse)) {
      const at = XMM + number * 16;
      into.u8.set(this.bytes.subarray(at, at + 16));
    }
    if (wide && this.#has(COMPONENT.avx)) {
      const at = YMM_HIGH + number * 16;
      into.u8.set(this.bytes.subarray(at, at + 16), 16);
    }
  }

  /** The low 64 bits of a register. */
  lowBits(number: number): bigint {
    return this.#has(COMPONENT.sse) ? this.#view.getBigUint64(XMM + number * 16, true) : 0n;
  }

  /** Writes the low 16 bytes of a register; its upper half stays (legacy SSE). */
  writeLow(number: number, from: Vec): void {
    this.#touch(COMPONENT.sse);
    this.bytes.set(from.u8.subarray(0, 16), XMM + number * 16);
  }

  /** Writes all 32 bytes of a register (VEX). Clearing an upper half that is in its initial state leaves it there. */
  writeAll(number: number, from: Vec): void {
    this.writeLow(number, from);
    const zero = from.u64[2] === 0n && from.u64[3] === 0n;
    if (zero && !this.#has(COMPONENT.avx)) return;
    this.#touch(COMPONENT.avx);
    this.bytes.set(from.u8.subarray(16, 32), YMM_HIGH + number * 16);
  }

  /** MXCSR is in memory whatever the header says (SDM volume 1, 13.8.1); 0, which masks nothing, is an area never written. */
  get mxcsr(): number {
    return this.#view.getUint32(MXCSR, true) || MXCSR_INIT;
  }

  set mxcsr(value: number) {
    if (value === this.mxcsr) return;
    this.#touch(COMPONENT.sse);
    this.#view.setUint32(MXCSR, value, true);
  }

  get controlWord(): number {
    return this.#has(COMPONENT.x87) ? this.#view.getUint16(FCW, true) : FCW_INIT;
  }

  set controlWord(value: number) {
    this.#touch(COMPONENT.x87);
    // Bit 6 is always set; bits 7 and 13 to 15 read as zero.
    this.#view.setUint16(FCW, (value & 0x1f3f) | 0x40, true);
  }

  get statusWord(): number {
    return this.#has(COMPONENT.x87) ? this.#view.getUint16(FSW, true) : 0;
  }

  set statusWord(value: number) {
    this.#touch(COMPONENT.x87);
    this.#view.setUint16(FSW, value, true);
  }

  /** The abridged tag word: bit n set if physical register n is in use. */
  get tags(): number {
    return this.#has(COMPONENT.x87) ? this.#view.getUint8(FTW) : 0;
  }

  set tags(value: number) {
    this.#touch(COMPONENT.x87);
    this.#view.setUint8(FTW, value);
  }

  /** The 10 bytes of ST(i), as 80 bits. Registers are stored by stack position, the tags by physical number. */
  readSt(i: number): bigint {
    if (!this.#has(COMPONENT.x87)) return 0n;
    const at = ST + i * 16;
    return this.#view.getBigUint64(at, true) | (BigInt(this.#view.getUint16(at + 8, true)) << 64n);
  }

  writeSt(i: number, value: bigint): void {
    this.#touch(COMPONENT.x87);
    const at = ST + i * 16;
    this.#view.setBigUint64(at, BigInt.asUintN(64, value), true);
    this.#view.setUint16(at + 8, Number(value >> 64n), true);
  }

  /** The number of the register that is ST(0). */
  get top(): number {
    return (this.statusWord >> 11) & 7;
  }

  /** Makes another register ST(0). None changes its contents, but the area holds them by stack position. */
  setTop(top: number): void {
    const by = (top - this.top) & 7;
    const registers = Array.from({ length: 8 }, (_, i) => this.readSt(i));
    this.statusWord = (this.statusWord & ~0x3800) | ((top & 7) << 11);
    for (let i = 0; i < 8; i++) this.writeSt(i, registers[(i + by) & 7]!);
  }

  /** FNINIT: control, status, tags and pointers as after reset; the registers' bytes stay. */
  initX87(): void {
    this.setTop(0);
    this.bytes.fill(0, 0, MXCSR);
    this.#view.setUint16(FCW, FCW_INIT, true);
  }

  /** The 512-byte legacy region as FXSAVE shows it: initial values where a component is in its initial state. */
  legacyRegion(): Uint8Array {
    const image = this.bytes.slice(0, HEADER);
    const view = new DataView(image.buffer);
    if (!this.#has(COMPONENT.x87)) {
      image.fill(0, 0, MXCSR);
      image.fill(0, ST, XMM);
      view.setUint16(FCW, FCW_INIT, true);
    }
    if (!this.#has(COMPONENT.sse)) image.fill(0, XMM, XMM + 256);
    view.setUint32(MXCSR, this.mxcsr, true);
    // MXCSR_MASK, 0 in an area that nobody wrote.
    if (view.getUint32(MXCSR + 4, true) === 0) view.setUint32(MXCSR + 4, MXCSR_MASK, true);
    return image;
  }

  /** Copies a component into an image; zeroes where it is in its initial state. */
  save(
    image: Uint8Array,
    part: { readonly number: number; readonly at: number; readonly standard: number; readonly size: number },
  ): void {
    const from = this.bytes.subarray(part.standard, part.standard + part.size);
    if ((this.present >>> part.number) & 1) image.set(from, part.at);
    else image.fill(0, part.at, part.at + part.size);
  }

  /** Takes `length` bytes of an image, from offset `from`, to offset `to` of the area, as a part of `component`. */
  restore(image: Uint8Array, from: number, to: number, length: number, component: number): void {
    this.changed = true;
    this.#view.setUint32(HEADER, this.present | component, true);
    this.bytes.set(image.subarray(from, from + length), to);
  }

  /** Marks a component as in use, or as in its initial state. */
  setPresent(component: number, inUse: boolean): void {
    this.changed = true;
    this.#view.setUint32(HEADER, inUse ? this.present | component : this.present & ~component, true);
  }
}
