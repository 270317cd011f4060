/**
 * Floating-point arithmetic in integers: exact results rounded once, with all of x86's exceptions and its rules for NaNs, denormals, FTZ and
 * DAZ (Intel SDM volume 1, 4.8, 4.9, 11.5). JavaScript's own arithmetic gives neither rounding modes nor flags.
 */
import { FE, type FloatEnv, ROUND } from './float-env.ts';
import { bitLength, type FloatFormat, type Unpacked, unpack } from './float-format.ts';

/** Takes `bits` apart; with DAZ a denormal is a zero of its sign. */
export function operand(f: FloatFormat, bits: bigint, env: FloatEnv): Unpacked {
  const value = unpack(f, bits);
  return env.daz && value.denormal ? unpack(f, bits & f.signBit) : value;
}

/** Notes denormal operands. */
function noteDenormal(env: FloatEnv, ...values: readonly Unpacked[]): void {
  if (values.some(value => value.denormal)) env.raise(FE.DENORMAL);
}

/** The first NaN, made quiet, or undefined if there is none. A signaling one is an invalid operation. */
export function propagateNan(f: FloatFormat, env: FloatEnv, ...values: readonly Unpacked[]): bigint | undefined {
  const nans = values.filter(value => value.kind === 'nan');
  const [first] = nans;
  if (!first) return undefined;
  if (nans.some(value => value.signaling)) env.raise(FE.INVALID);
  const nan = env.nanRule === 'largest' && nans.length > 1 ? largestNan(f, nans) : first;
  return nan.bits | f.quietBit;
}

/** A quiet NaN before a signaling one, then the larger significand, then the positive one (SDM volume 1, table 4-7). */
function largestNan(f: FloatFormat, nans: readonly Unpacked[]): Unpacked {
  const quiet = nans.filter(value => !value.signaling);
  const candidates = quiet.length > 0 ? quiet : nans;
  const rank = (value: Unpacked) => ((value.bits & f.fractionMask) << 1n) | (value.negative ? 0n : 1n);
  return candidates.reduce((best, value) => (rank(value) > rank(best) ? value : best));
}

function invalid(f: FloatFormat, env: FloatEnv): bigint {
  env.raise(FE.INVALID);
  return f.defaultNan;
}

const sign = (f: FloatFormat, negative: boolean): bigint => (negative ? f.signBit : 0n);

/** Whether to round away from zero, by mode: `half` compares what is cut with one half (-1, 0, 1), `rest` is true if anything is cut. */
function roundsUp(rounding: number, negative: boolean, odd: boolean, half: number, rest: boolean): boolean {
  if (rounding === ROUND.NEAREST) return half > 0 || (half === 0 && odd);
  if (rounding === ROUND.ZERO || !rest) return false;
  return (rounding === ROUND.UP) !== negative;
}

/** Cuts `shift` bits off `value` by the rounding mode; `sticky` means that more follows below. */
function cut(value: bigint, shift: number, sticky: boolean, rounding: number, negative: boolean) {
  if (shift <= 0) return { value: value << BigInt(-shift), inexact: sticky, up: false };
  const by = BigInt(shift);
  const kept = value >> by;
  const lost = value - (kept << by);
  const middle = 1n << (by - 1n);
  const half = lost > middle || (lost === middle && sticky) ? 1 : lost === middle ? 0 : -1;
  const inexact = lost !== 0n || sticky;
  const up = roundsUp(rounding, negative, (kept & 1n) === 1n, half, inexact);
  return { value: up ? kept + 1n : kept, inexact, up };
}

/**
 * The bits nearest to significand * 2^exponent (plus something below its last bit if `sticky`) by the rounding mode. Raises
 * overflow, underflow and precision. A sticky significand must have at least two bits more than the format.
 */
export function round(
  f: FloatFormat,
  env: FloatEnv,
  negative: boolean,
  significand: bigint,
  exponent: number,
  sticky = false,
): bigint {
  if (significand === 0n) return sign(f, negative);
  const length = bitLength(significand);
  const top = exponent + length - 1;
  const kept = env.fraction ?? f.fraction;
  const precision = kept + 1;
  const filler = BigInt(f.fraction - kept);
  const free = cut(significand, length - precision, sticky, env.rounding, negative);
  // Tiny is what would be below the normal numbers had the exponent no bounds, after rounding.
  const grown = bitLength(free.value) > precision ? 1 : 0;
  const tiny = top + grown < f.emin;
  if (!tiny && top >= f.emin) {
    if (top + grown > f.emax) return overflow(f, env, negative);
    if (free.inexact) env.raise(FE.PRECISION);
    env.roundedUp = free.up;
    const fraction = ((grown ? free.value >> 1n : free.value) << filler) & f.fractionMask;
    return sign(f, negative) | (BigInt(top + grown + f.emax) << BigInt(f.fraction)) | fraction;
  }
  if (tiny && env.ftz) {
    env.raise(FE.UNDERFLOW | FE.PRECISION);
    return sign(f, negative);
  }
  const small = cut(significand, f.emin - kept - exponent, sticky, env.rounding, negative);
  if (small.inexact) env.raise(FE.PRECISION);
  env.roundedUp = small.up;
  // Unmasked, underflow is reported for exact denormals too.
  if (tiny && (small.inexact || !(env.masked & FE.UNDERFLOW))) env.raise(FE.UNDERFLOW);
  // A carry into the hidden bit gives the least normal number, in its encoding.
  return sign(f, negative) | (small.value << filler);
}

function overflow(f: FloatFormat, env: FloatEnv, negative: boolean): bigint {
  env.raise(FE.OVERFLOW | FE.PRECISION);
  const infinite =
    env.rounding === ROUND.NEAREST ||
    (env.rounding === ROUND.UP && !negative) ||
    (env.rounding === ROUND.DOWN && negative);
  env.roundedUp = infinite;
  const kept = env.fraction ?? f.fraction;
  const largest = f.infinity - (1n << BigInt(f.fraction - kept));
  return sign(f, negative) | (infinite ? f.infinity : largest);
}

/** Signed sum of two exact values; the zero's sign follows the rounding mode where they cancel. */
function addExact(f: FloatFormat, env: FloatEnv, a: Unpacked, b: Unpacked): bigint {
  const exponent = Math.min(a.exponent, b.exponent);
  const value = (u: Unpacked) => (u.negative ? -u.significand : u.significand) << BigInt(u.exponent - exponent);
  const sum = value(a) + value(b);
  if (sum === 0n) return sign(f, env.rounding === ROUND.DOWN);
  return round(f, env, sum < 0n, sum < 0n ? -sum : sum, exponent);
}

export function add(f: FloatFormat, env: FloatEnv, left: bigint, right: bigint, subtract = false): bigint {
  const a = operand(f, left, env);
  const b = operand(f, right, env);
  const nan = propagateNan(f, env, a, b);
  if (nan !== undefined) return nan;
  const c = subtract ? { ...b, negative: !b.negative } : b;
  if (a.kind === 'infinity' && c.kind === 'infinity' && a.negative !== c.negative) return invalid(f, env);
  noteDenormal(env, a, b);
  if (a.kind === 'infinity') return a.bits;
  if (c.kind === 'infinity') return sign(f, c.negative) | f.infinity;
  if (a.kind === 'zero' && c.kind === 'zero') {
    return sign(f, a.negative === c.negative ? a.negative : env.rounding === ROUND.DOWN);
  }
  return addExact(
    f,
    env,
    a.kind === 'zero' ? { ...a, exponent: c.exponent } : a,
    c.kind === 'zero' ? { ...c, exponent: a.exponent } : c,
  );
}

export function multiply(f: FloatFormat, env: FloatEnv, left: bigint, right: bigint): bigint {
  const a = operand(f, left, env);
  const b = operand(f, right, env);
  const nan = propagateNan(f, env, a, b);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  if (a.kind === 'infinity' || b.kind === 'infinity') {
    if (a.kind === 'zero' || b.kind === 'zero') return invalid(f, env);
    noteDenormal(env, a, b);
    return sign(f, negative) | f.infinity;
  }
  noteDenormal(env, a, b);
  return round(f, env, negative, a.significand * b.significand, a.exponent + b.exponent);
}

export function divide(f: FloatFormat, env: FloatEnv, left: bigint, right: bigint): bigint {
  const a = operand(f, left, env);
  const b = operand(f, right, env);
  const nan = propagateNan(f, env, a, b);
  if (nan !== undefined) return nan;
  const negative = a.negative !== b.negative;
  if (a.kind === b.kind && (a.kind === 'infinity' || a.kind === 'zero')) return invalid(f, env);
  if (b.kind === 'zero' && a.kind !== 'infinity') {
    env.raise(FE.DIVIDE);
    return sign(f, negative) | f.infinity;
  }
  noteDenormal(env, a, b);
  if (a.kind === 'infinity') return sign(f, negative) | f.infinity;
  if (b.kind === 'infinity' || a.kind === 'zero') return sign(f, negative);
  // Enough quotient bits that the remainder is only sticky.
  const extra = Math.max(0, f.fraction + 4 + bitLength(b.significand) - bitLength(a.significand));
  const dividend = a.significand << BigInt(extra);
  const quotient = dividend / b.significand;
  const sticky = quotient * b.significand !== dividend;
  return round(f, env, negative, quotient, a.exponent - b.exponent - extra, sticky);
}

function integerRoot(value: bigint): bigint {
  let guess = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

export function squareRoot(f: FloatFormat, env: FloatEnv, bits: bigint): bigint {
  const a = operand(f, bits, env);
  const nan = propagateNan(f, env, a);
  if (nan !== undefined) return nan;
  if (a.kind === 'zero') return sign(f, a.negative);
  if (a.negative) return invalid(f, env);
  if (a.kind === 'infinity') return a.bits;
  noteDenormal(env, a);
  // An even exponent, and a radicand long enough for a root of full precision and two more bits.
  let extra = Math.max(0, 2 * (f.fraction + 4) - bitLength(a.significand));
  if ((a.exponent - extra) % 2 !== 0) extra++;
  const radicand = a.significand << BigInt(extra);
  const root = integerRoot(radicand);
  return round(f, env, false, root, (a.exponent - extra) / 2, root * root !== radicand);
}

/** a * b + c, rounded once. `negateProduct` and `negateAddend` change signs after NaNs have been looked for. */
export function multiplyAdd(
  f: FloatFormat,
  env: FloatEnv,
  bits: readonly [bigint, bigint, bigint],
  negateProduct: boolean,
  negateAddend: boolean,
): bigint {
  const [a, b, c] = [operand(f, bits[0], env), operand(f, bits[1], env), operand(f, bits[2], env)];
  const nan = propagateNan(f, env, a, b, c);
  const product = (a.kind === 'infinity' && b.kind === 'zero') || (a.kind === 'zero' && b.kind === 'infinity');
  if (nan !== undefined) return nan;
  if (product) return invalid(f, env);
  const negative = (a.negative !== b.negative) !== negateProduct;
  const addend = { ...c, negative: c.negative !== negateAddend };
  const infinite = a.kind === 'infinity' || b.kind === 'infinity';
  if (infinite && c.kind === 'infinity' && negative !== addend.negative) return invalid(f, env);
  noteDenormal(env, a, b, c);
  if (infinite) return sign(f, negative) | f.infinity;
  if (c.kind === 'infinity') return sign(f, addend.negative) | f.infinity;
  const significand = a.significand * b.significand;
  const exponent = a.exponent + b.exponent;
  if (significand === 0n && c.kind === 'zero') {
    return sign(f, negative === addend.negative ? negative : env.rounding === ROUND.DOWN);
  }
  const left = { ...a, negative, significand, exponent: significand === 0n ? c.exponent : exponent };
  return addExact(f, env, left, c.kind === 'zero' ? { ...addend, exponent: left.exponent } : addend);
}
