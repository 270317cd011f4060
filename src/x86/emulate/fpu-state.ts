/** FPU and vector registers in an XSAVE area: XMM, the upper parts of YMM and ZMM, the upper sixteen, opmasks. */
import type { Vec } from './vec.ts';
import { X87Registers } from './x87-registers.ts';
import { AT, COMPONENT } from './xsave-area.ts';

export class FpuState extends X87Registers {
  /** Copies `length` bytes (16, 32 or 64) of a vector register into `into`; the rest of `into` is cleared. */
  readVector(number: number, into: Vec, length: number): void {
    into.u8.fill(0);
    if (number > 15) {
      if (this.has(COMPONENT.hi16)) into.u8.set(this.#hi16(number).subarray(0, length));
      return;
    }
    if (this.has(COMPONENT.sse)) {
      const at = AT.xmm + number * 16;
      into.u8.set(this.bytes.subarray(at, at + 16));
    }
    if (length > 16 && this.has(COMPONENT.avx)) {
      const at = AT.ymmHigh + number * 16;
      into.u8.set(this.bytes.subarray(at, at + 16), 16);
    }
    if (length > 32 && this.has(COMPONENT.zmmHigh)) into.u8.set(this.#zmmHigh(number), 32);
  }

  #hi16(number: number): Uint8Array {
    const at = (this.avx512?.hi16 ?? 0) + (number - 16) * 64;
    return this.bytes.subarray(at, at + 64);
  }

  #zmmHigh(number: number): Uint8Array {
    const at = (this.avx512?.zmmHigh ?? 0) + number * 32;
    return this.bytes.subarray(at, at + 32);
  }

  /** Opmask register `number`, 64 bits. */
  readMask(number: number): bigint {
    if (!this.avx512 || !this.has(COMPONENT.opmask)) return 0n;
    return this.view.getBigUint64(this.avx512.opmask + number * 8, true);
  }

  writeMask(number: number, value: bigint): void {
    this.touch(COMPONENT.opmask);
    this.view.setBigUint64(this.avx512!.opmask + number * 8, value, true);
  }

  /** The low 64 bits of a register. */
  lowBits(number: number): bigint {
    if (number > 15) {
      const at = this.#hi16(number).byteOffset - this.bytes.byteOffset;
      return this.has(COMPONENT.hi16) ? this.view.getBigUint64(at, true) : 0n;
    }
    return this.has(COMPONENT.sse) ? this.view.getBigUint64(AT.xmm + number * 16, true) : 0n;
  }

  /** Writes the low 16 bytes of a register; its upper half stays (legacy SSE). */
  writeLow(number: number, from: Vec): void {
    this.touch(COMPONENT.sse);
    this.bytes.set(from.u8.subarray(0, 16), AT.xmm + number * 16);
  }

  /**
   * Writes `length` bytes of a register and clears the rest of it (VEX and EVEX). Clearing a part that is in its initial state
   * leaves it there.
   */
  writeAll(number: number, from: Vec, length: number): void {
    from.u8.fill(0, length);
    if (number > 15) {
      this.touch(COMPONENT.hi16);
      this.#hi16(number).set(from.u8);
      return;
    }
    this.writeLow(number, from);
    if (length > 32 || this.has(COMPONENT.zmmHigh)) {
      this.touch(COMPONENT.zmmHigh);
      this.#zmmHigh(number).set(from.u8.subarray(32));
    }
    const zero = from.u64[2] === 0n && from.u64[3] === 0n;
    if (zero && !this.has(COMPONENT.avx)) return;
    this.touch(COMPONENT.avx);
    this.bytes.set(from.u8.subarray(16, 32), AT.ymmHigh + number * 16);
  }
}
