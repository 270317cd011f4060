/** Floating-point operations on vector lanes: packed and scalar, singles and doubles, with MXCSR's flags and #XM. */
import { CR4 } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { CpuFault, undefinedOpcode, VECTOR } from './fault.ts';
import { FloatEnv } from './float-env.ts';
import { F32, F64, type FloatFormat } from './float-format.ts';
import type { Vec } from './vec.ts';

/** The four flavours of a floating-point opcode, by mandatory prefix. */
export interface Flavour {
  readonly prefix: 'NP' | '66' | 'F3' | 'F2';
  readonly suffix: 'ps' | 'pd' | 'ss' | 'sd';
  readonly format: FloatFormat;
  readonly scalar: boolean;
}
export const FLAVOURS: readonly Flavour[] = [
  { prefix: 'NP', suffix: 'ps', format: F32, scalar: false },
  { prefix: '66', suffix: 'pd', format: F64, scalar: false },
  { prefix: 'F3', suffix: 'ss', format: F32, scalar: true },
  { prefix: 'F2', suffix: 'sd', format: F64, scalar: true },
];

export function laneBits(f: FloatFormat, from: Vec, i: number): bigint {
  return f.size === 4 ? BigInt(from.u32[i]!) : from.u64[i]!;
}

export function setLane(f: FloatFormat, to: Vec, i: number, bits: bigint): void {
  if (f.size === 4) to.u32[i] = Number(bits);
  else to.u64[i] = bits;
}

export function environment(x: Execution): FloatEnv {
  return new FloatEnv(x.fpu.mxcsr);
}

/** Notes what was raised in MXCSR; an unmasked exception is #XM, or #UD where the system has not asked for it. */
export function settle(x: Execution, env: FloatEnv): void {
  if (env.raised === 0) return;
  x.fpu.mxcsr |= env.raised;
  if ((env.raised & ~env.masked) === 0) return;
  if (x.cpu.system.cr4Low & CR4.OSXMMEXCPT) throw new CpuFault(VECTOR.XM);
  undefinedOpcode();
}

/** Number of lanes: one, or all of the vector. */
export function laneCount(x: Execution, f: FloatFormat, scalar: boolean): number {
  return scalar ? 1 : x.form.vectorSize / f.size;
}

const LIMITS = { 4: [2 ** -126, 3.402_823_466_385_288_6e38], 8: [2 ** -1022, Number.MAX_VALUE] } as const;

/** True for zero and for normal numbers. */
function plain(value: number, least: number, most: number): boolean {
  const magnitude = Math.abs(value);
  return magnitude === 0 || (magnitude >= least && magnitude <= most);
}

export type Exact = (f: FloatFormat, env: FloatEnv, a: bigint, b: bigint) => bigint;

/**
 * Operands V H W. Where MXCSR has nothing to note and everything is a normal number, JavaScript's arithmetic `quick` (rounded once
 * more for singles, which is exact for these operations) gives the same result as `exact`.
 */
export function binary(
  { format: f, scalar }: Flavour,
  exact: Exact,
  quick: ((a: number, b: number) => number) | undefined,
): (x: Execution) => void {
  const type = f.size === 4 ? 'f32' : 'f64';
  const [least, most] = LIMITS[f.size as 4 | 8];
  return x => {
    const env = environment(x);
    x.out.copy(x.load(1, x.a));
    x.load(2, x.b);
    const [a, b, out] = [x.a[type], x.b[type], x.out[type]];
    const count = laneCount(x, f, scalar);
    for (let i = 0; i < count; i++) {
      if (quick && env.easy && plain(a[i]!, least, most) && plain(b[i]!, least, most)) {
        out[i] = quick(a[i]!, b[i]!);
        const magnitude = Math.abs(out[i]!);
        if (magnitude > least && magnitude <= most) continue;
      }
      setLane(f, x.out, i, exact(f, env, laneBits(f, x.a, i), laneBits(f, x.b, i)));
    }
    settle(x, env);
    x.store(0, x.out);
  };
}

/** One source: the last operand. Scalars keep the rest of the operand before it (in the SSE form, of the destination). */
export function single(
  { format: f, scalar }: Flavour,
  exact: (env: FloatEnv, a: bigint, x: Execution) => bigint,
  source: number,
): (x: Execution) => void {
  return x => {
    const env = environment(x);
    if (scalar) x.out.copy(x.load(1, x.a));
    x.load(source, x.b);
    const count = laneCount(x, f, scalar);
    for (let i = 0; i < count; i++) setLane(f, x.out, i, exact(env, laneBits(f, x.b, i), x));
    settle(x, env);
    x.store(0, x.out);
  };
}
