/**
 * Linear addresses on the hot path: 64 bits as two unsigned 32-bit halves, because a bigint addition costs more than a whole page
 * walk. All arithmetic is modulo 2^64; values never change once made.
 */
export interface Linear {
  /** Bits 63 to 32. */
  readonly hi: number;
  /** Bits 31 to 0. */
  readonly lo: number;
}

const TWO32 = 0x1_0000_0000;

export function linear(hi: number, lo: number): Linear {
  return { hi: hi >>> 0, lo: lo >>> 0 };
}

/** `address` plus a whole number of any sign below 2^52 in magnitude. */
export function plus(address: Linear, delta: number): Linear {
  const low = address.lo + delta;
  return { hi: (address.hi + Math.floor(low / TWO32)) >>> 0, lo: low >>> 0 };
}

export function linearOf(value: bigint): Linear {
  return { hi: Number(BigInt.asUintN(64, value) >> 32n), lo: Number(value & 0xffff_ffffn) };
}

export function bigOf(address: Linear): bigint {
  return (BigInt(address.hi) << 32n) | BigInt(address.lo);
}

export function sameLinear(a: Linear, b: Linear): boolean {
  return a.hi === b.hi && a.lo === b.lo;
}

/** Bytes from `address` to the end of its 4 KiB page, 1 to 4096. */
export function roomInPage(address: Linear): number {
  return 0x1000 - (address.lo & 0xfff);
}

/** `0x` and 16 digits. */
export function formatLinear(address: Linear): string {
  return `0x${address.hi.toString(16).padStart(8, '0')}${address.lo.toString(16).padStart(8, '0')}`;
}

/** True when bits 63 to `bits - 1` are all equal: what a CPU with `bits` of linear address (48, or 57 with CR4.LA57) accepts. */
export function isCanonical(address: Linear, bits: 48 | 57): boolean {
  const top = address.hi >> (bits - 33);
  return top === 0 || top === -1;
}
