/** Comparisons, minimum and maximum, and conversions of floating-point numbers, with x86's exceptions. */
import { FE, FloatEnv, ROUND } from './float-env.ts';
import { type FloatFormat, type Unpacked, unpack } from './float-format.ts';
import { operand, propagateNan, round } from './soft-float.ts';

export type Order = 'less' | 'equal' | 'greater' | 'unordered';

/** An integer that orders finite and infinite values like the numbers they are. */
function rank(f: FloatFormat, value: Unpacked): bigint {
  const magnitude = value.kind === 'zero' ? 0n : value.bits & ~f.signBit;
  return value.negative ? -magnitude : magnitude;
}

/** Compares; with `signal` even quiet NaNs are invalid. */
export function compare(f: FloatFormat, env: FloatEnv, left: bigint, right: bigint, signal: boolean): Order {
  const a = operand(f, left, env);
  const b = operand(f, right, env);
  if (a.kind === 'nan' || b.kind === 'nan') {
    if (signal || a.signaling || b.signaling) env.raise(FE.INVALID);
    return 'unordered';
  }
  if (a.denormal || b.denormal) env.raise(FE.DENORMAL);
  const [x, y] = [rank(f, a), rank(f, b)];
  return x < y ? 'less' : x > y ? 'greater' : 'equal';
}

/** MIN and MAX: the second operand unless the first is strictly less (greater). */
export function extreme(
  f: FloatFormat,
  env: FloatEnv,
  left: bigint,
  right: bigint,
  wanted: 'less' | 'greater',
): bigint {
  const order = compare(f, env, left, right, true);
  if (order === wanted) return operand(f, left, env).bits;
  const b = operand(f, right, env);
  return b.bits;
}

/** A float in another format: NaNs keep the top of their payload. */
export function convert(from: FloatFormat, to: FloatFormat, env: FloatEnv, bits: bigint): bigint {
  const a = operand(from, bits, env);
  const sign = a.negative ? to.signBit : 0n;
  if (a.kind === 'nan') {
    propagateNan(from, env, a);
    const shift = BigInt(to.fraction - from.fraction);
    const payload = bits & from.fractionMask;
    return sign | to.infinity | to.quietBit | (shift >= 0n ? payload << shift : payload >> -shift);
  }
  if (a.kind === 'infinity') return sign | to.infinity;
  if (a.denormal) env.raise(FE.DENORMAL);
  return round(to, env, a.negative, a.significand, a.exponent);
}

/** The same number in a wider format, exactly and without a word: denormals become normal, NaNs stay as signaling as they are. */
export function widen(from: FloatFormat, to: FloatFormat, bits: bigint): { bits: bigint; denormal: boolean } {
  const a = unpack(from, bits);
  const sign = a.negative ? to.signBit : 0n;
  const shift = BigInt(to.fraction - from.fraction);
  if (a.kind === 'nan' || a.kind === 'infinity') {
    return { bits: sign | to.infinity | ((bits & from.fractionMask) << shift), denormal: false };
  }
  const quiet = new FloatEnv(0x1f80);
  return { bits: round(to, quiet, a.negative, a.significand, a.exponent), denormal: a.denormal };
}

/** The value rounded to an integer by `rounding`, exactly, and whether anything was cut. */
export function integral(a: Unpacked, rounding: number): { value: bigint; inexact: boolean } {
  if (a.exponent >= 0) {
    const value = a.significand << BigInt(a.exponent);
    return { value: a.negative ? -value : value, inexact: false };
  }
  // What is far below one half rounds like one quarter.
  const by = BigInt(Math.min(-a.exponent, 1100));
  const kept = a.significand >> by;
  const lost = a.significand - (kept << by);
  const half = 1n << (by - 1n);
  const odd = (kept & 1n) === 1n;
  let up = false;
  if (rounding === ROUND.NEAREST) up = lost > half || (lost === half && odd);
  else if (lost !== 0n && rounding !== ROUND.ZERO) up = (rounding === ROUND.UP) !== a.negative;
  const magnitude = up ? kept + 1n : kept;
  return { value: a.negative ? -magnitude : magnitude, inexact: lost !== 0n };
}

/** A signed integer of `width` bytes; what does not fit is invalid and gives the least one ("integer indefinite"). */
export function toInteger(f: FloatFormat, env: FloatEnv, bits: bigint, width: number, rounding: number): bigint {
  const a = operand(f, bits, env);
  const size = width * 8;
  if (a.kind === 'finite' || a.kind === 'zero') {
    const { value, inexact } = integral(a, rounding);
    if (BigInt.asIntN(size, value) === value) {
      if (inexact) env.raise(FE.PRECISION);
      return BigInt.asUintN(size, value);
    }
  }
  env.raise(FE.INVALID);
  return 1n << BigInt(size - 1);
}

export function fromInteger(f: FloatFormat, env: FloatEnv, value: bigint): bigint {
  return round(f, env, value < 0n, value < 0n ? -value : value, 0);
}

/** ROUNDSS and its kin: an integer in floating point; the zero keeps the sign. `quiet` leaves PRECISION alone. */
export function roundToIntegral(f: FloatFormat, env: FloatEnv, bits: bigint, rounding: number, quiet: boolean): bigint {
  const a = operand(f, bits, env);
  const nan = propagateNan(f, env, a);
  if (nan !== undefined) return nan;
  if (a.kind === 'infinity' || a.kind === 'zero') return a.bits;
  // Only the x87 says so here.
  if (a.denormal && env.nanRule === 'largest') env.raise(FE.DENORMAL);
  const { value, inexact } = integral(a, rounding);
  if (inexact && !quiet) env.raise(FE.PRECISION);
  if (value === 0n) return a.negative ? f.signBit : 0n;
  return round(f, env, a.negative, value < 0n ? -value : value, 0);
}
