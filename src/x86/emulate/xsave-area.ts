/**
 * An XSAVE area of standard format (Intel SDM volume 1, 13.4): the 512-byte legacy region, the header, what follows. A component whose
 * XSTATE_BV bit is clear is in its initial state whatever its bytes say.
 */
/** Offsets in the area. FTW is the abridged tag word: a set bit is a register in use, by physical register. */
export const AT = { fcw: 0, fsw: 2, ftw: 4, mxcsr: 24, st: 32, xmm: 160, header: 512, ymmHigh: 576 } as const;

/** XSTATE components (SDM volume 1, 13.1). */
export const COMPONENT = { x87: 1, sse: 2, avx: 4, opmask: 0x20, zmmHigh: 0x40, hi16: 0x80 } as const;

/** Where a CPU keeps the AVX-512 components in an area of standard format (CPUID leaf 0DH, subleaves 5 to 7). */
export interface Avx512Layout {
  readonly opmask: number;
  readonly zmmHigh: number;
  readonly hi16: number;
}

export const FCW_INIT = 0x37f;
export const MXCSR_INIT = 0x1f80;
/** MXCSR bits that exist: exception flags and masks, rounding, FTZ, DAZ. */
export const MXCSR_MASK = 0xffff;

export class XsaveArea {
  readonly bytes: Uint8Array;
  protected readonly view: DataView;
  protected readonly avx512: Avx512Layout | undefined;
  /** Set when anything was changed. */
  changed = false;

  constructor(area: Uint8Array, avx512?: Avx512Layout) {
    this.bytes = area;
    this.avx512 = avx512;
    this.view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  }

  /** XSTATE_BV: components that are not in their initial state. */
  get present(): number {
    return this.view.getUint32(AT.header, true);
  }

  protected has(component: number): boolean {
    return (this.view.getUint32(AT.header, true) & component) !== 0;
  }

  /** Puts a component that was in its initial state into memory, so that a part of it can be changed. */
  protected touch(component: number): void {
    this.changed = true;
    const present = this.view.getUint32(AT.header, true);
    if (present & component) return;
    this.view.setUint32(AT.header, present | component, true);
    if (component === COMPONENT.x87) {
      this.bytes.fill(0, 0, AT.mxcsr);
      this.bytes.fill(0, AT.st, AT.xmm);
      this.view.setUint16(AT.fcw, FCW_INIT, true);
    } else if (component === COMPONENT.sse) {
      this.bytes.fill(0, AT.xmm, AT.xmm + 256);
      this.view.setUint32(AT.mxcsr, this.mxcsr, true);
    } else if (component === COMPONENT.avx) this.bytes.fill(0, AT.ymmHigh, AT.ymmHigh + 256);
    else this.clear512(component);
  }

  private clear512(component: number): void {
    if (!this.avx512) throw new RangeError('no place for AVX-512 state in this area');
    const { opmask, zmmHigh, hi16 } = this.avx512;
    if (component === COMPONENT.opmask) this.bytes.fill(0, opmask, opmask + 64);
    else if (component === COMPONENT.zmmHigh) this.bytes.fill(0, zmmHigh, zmmHigh + 512);
    else this.bytes.fill(0, hi16, hi16 + 1024);
  }

  /** MXCSR is in memory whatever the header says (SDM volume 1, 13.8.1); 0, which masks nothing, is an area never written. */
  get mxcsr(): number {
    return this.view.getUint32(AT.mxcsr, true) || MXCSR_INIT;
  }

  set mxcsr(value: number) {
    if (value === this.mxcsr) return;
    this.touch(COMPONENT.sse);
    this.view.setUint32(AT.mxcsr, value, true);
  }

  /** The 512-byte legacy region as FXSAVE shows it: initial values where a component is in its initial state. */
  legacyRegion(): Uint8Array {
    const image = this.bytes.slice(0, AT.header);
    const view = new DataView(image.buffer);
    if (!this.has(COMPONENT.x87)) {
      image.fill(0, 0, AT.mxcsr);
      image.fill(0, AT.st, AT.xmm);
      view.setUint16(AT.fcw, FCW_INIT, true);
    }
    if (!this.has(COMPONENT.sse)) image.fill(0, AT.xmm, AT.xmm + 256);
    view.setUint32(AT.mxcsr, this.mxcsr, true);
    // MXCSR_MASK, 0 in an area that nobody wrote.
    if (view.getUint32(AT.mxcsr + 4, true) === 0) view.setUint32(AT.mxcsr + 4, MXCSR_MASK, true);
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
    this.view.setUint32(AT.header, this.present | component, true);
    this.bytes.set(image.subarray(from, from + length), to);
  }

  /** Marks a component as in use, or as in its initial state. */
  setPresent(component: number, inUse: boolean): void {
    this.changed = true;
    this.view.setUint32(AT.header, inUse ? this.present | component : this.present & ~component, true);
  }
}
