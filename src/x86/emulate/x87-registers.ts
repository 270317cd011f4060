/** The x87 registers in an XSAVE area: control, status and tag words, the stack. */
import { AT, COMPONENT, FCW_INIT, XsaveArea } from './xsave-area.ts';

export class X87Registers extends XsaveArea {
  get controlWord(): number {
    return this.has(COMPONENT.x87) ? this.view.getUint16(AT.fcw, true) : FCW_INIT;
  }

  set controlWord(value: number) {
    this.touch(COMPONENT.x87);
    // Bit 6 is always set; bits 7 and 13 to 15 read as zero.
    this.view.setUint16(AT.fcw, (value & 0x1f3f) | 0x40, true);
  }

  get statusWord(): number {
    return this.has(COMPONENT.x87) ? this.view.getUint16(AT.fsw, true) : 0;
  }

  set statusWord(value: number) {
    this.touch(COMPONENT.x87);
    this.view.setUint16(AT.fsw, value, true);
  }

  /** The abridged tag word: bit n set if physical register n is in use. */
  get tags(): number {
    return this.has(COMPONENT.x87) ? this.view.getUint8(AT.ftw) : 0;
  }

  set tags(value: number) {
    this.touch(COMPONENT.x87);
    this.view.setUint8(AT.ftw, value);
  }

  /** The 10 bytes of ST(i), as 80 bits. Registers are stored by stack position, the tags by physical number. */
  readSt(i: number): bigint {
    if (!this.has(COMPONENT.x87)) return 0n;
    const at = AT.st + i * 16;
    return this.view.getBigUint64(at, true) | (BigInt(this.view.getUint16(at + 8, true)) << 64n);
  }

  writeSt(i: number, value: bigint): void {
    this.touch(COMPONENT.x87);
    const at = AT.st + i * 16;
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
    this.view.setUint16(at + 8, Number(value >> 64n), true);
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
    this.bytes.fill(0, 0, AT.mxcsr);
    this.view.setUint16(AT.fcw, FCW_INIT, true);
  }
}
