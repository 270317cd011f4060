/** Binary floating-point numbers as bits (IEEE 754): taken apart into sign, integer significand and exponent, exactly. */

export interface FloatFormat {
  /** Bytes. */
  readonly size: number;
  /** Fraction bits, without the hidden one. */
  readonly fraction: number;
  /** Largest and smallest exponent of normal numbers. */
  readonly emax: number;
  readonly emin: number;
  readonly quietBit: bigint;
  readonly infinity: bigint;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** What an invalid operation gives: a negative quiet NaN. */
  readonly defaultNan: bigint;
  /** Greatest finite magnitude. */
  readonly largest: bigint;
}

function format(size: number, fraction: number, exponentBits: number): FloatFormat {
  const emax = 2 ** (exponentBits - 1) - 1;
  const infinity = BigInt(2 * emax + 1) << BigInt(fraction);
  const quietBit = 1n << BigInt(fraction - 1);
  const signBit = 1n << BigInt(exponentBits + fraction);
  return {
    size,
    fraction,
    emax,
    emin: 1 - emax,
    quietBit,
    infinity,
    signBit,
    fractionMask: (1n << BigInt(fraction)) - 1n,
    defaultNan: signBit | infinity | quietBit,
    largest: infinity - 1n,
  };
}

export const F32 = format(4, 23, 8);
export const F64 = format(8, 52, 11);
/** The x87's registers without their explicit integer bit. */
export const F80 = format(10, 63, 15);

export interface Unpacked {
  readonly kind: 'zero' | 'finite' | 'infinity' | 'nan';
  readonly negative: boolean;
  /** The value is significand * 2^exponent. */
  readonly significand: bigint;
  readonly exponent: number;
  readonly denormal: boolean;
  readonly signaling: boolean;
  readonly bits: bigint;
}

export function unpack(f: FloatFormat, bits: bigint): Unpacked {
  const negative = (bits & f.signBit) !== 0n;
  const fraction = bits & f.fractionMask;
  const biased = Number((bits & ~f.signBit) >> BigInt(f.fraction));
  const of = (kind: Unpacked['kind'], significand: bigint, exponent: number, denormal = false, signaling = false) => ({
    kind,
    negative,
    significand,
    exponent,
    denormal,
    signaling,
    bits,
  });
  if (biased === 2 * f.emax + 1) {
    if (fraction === 0n) return of('infinity', 0n, 0);
    return of('nan', 0n, 0, false, (fraction & f.quietBit) === 0n);
  }
  if (biased === 0) {
    if (fraction === 0n) return of('zero', 0n, 0);
    return of('finite', fraction, f.emin - f.fraction, true);
  }
  return of('finite', fraction | (1n << BigInt(f.fraction)), biased - f.emax - f.fraction);
}

/** Number of bits in a positive bigint. */
export function bitLength(value: bigint): number {
  const text = value.toString(16);
  return text.length * 4 - Math.clz32(Number.parseInt(text[0]!, 16)) + 28;
}
