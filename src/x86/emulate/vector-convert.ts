/** Conversions between integers, singles and doubles, scalar and packed. */
import type { Execution } from './execution.ts';
import { type FloatEnv, ROUND } from './float-env.ts';
import { F32, F64, type FloatFormat } from './float-format.ts';
import { environment, laneBits, setLane, settle } from './float-lanes.ts';
import { type Row, type RowOptions, row } from './row.ts';
import { convert, fromInteger, toInteger } from './soft-compare.ts';
import { pair } from './vector-rows.ts';

/** CVTSI2SS and CVTSI2SD: a general register or memory into the low lane. */
const integerToScalar = (f: FloatFormat) => (x: Execution) => {
  const env = environment(x);
  const value = x.signed(2);
  setLane(f, x.load(1, x.a), 0, fromInteger(f, env, value));
  settle(x, env);
  x.store(0, x.a);
};

const scalarToInteger = (f: FloatFormat, truncate: boolean) => (x: Execution) => {
  const env = environment(x);
  const bits = laneBits(f, x.load(1, x.a), 0);
  const result = toInteger(f, env, bits, x.width(0), truncate ? ROUND.ZERO : env.rounding);
  settle(x, env);
  x.set(0, result);
};

const scalarToScalar = (from: FloatFormat, to: FloatFormat) => (x: Execution) => {
  const env = environment(x);
  const bits = laneBits(from, x.load(2, x.b), 0);
  setLane(to, x.load(1, x.a), 0, convert(from, to, env, bits));
  settle(x, env);
  x.store(0, x.a);
};

/** Lane by lane from operand 1 into a cleared operand 0; as many lanes as the wider side has. */
const packed = (widest: number, lane: (env: FloatEnv, x: Execution, i: number) => void) => (x: Execution) => {
  const env = environment(x);
  x.load(1, x.a);
  x.out.clear();
  for (let i = 0; i < x.form.vectorSize / widest; i++) lane(env, x, i);
  settle(x, env);
  x.storeCleared(0, x.out);
};

const integersTo = (f: FloatFormat) =>
  packed(f.size, (env, x, i) => setLane(f, x.out, i, fromInteger(f, env, BigInt(x.a.i32[i]!))));
const toIntegers = (f: FloatFormat, truncate: boolean) =>
  packed(f.size, (env, x, i) => {
    const mode = truncate ? ROUND.ZERO : env.rounding;
    x.out.u32[i] = Number(toInteger(f, env, laneBits(f, x.a, i), 4, mode));
  });
const floats = (from: FloatFormat, to: FloatFormat) =>
  packed(8, (env, x, i) => setLane(to, x.out, i, convert(from, to, env, laneBits(from, x.a, i))));

type Run = (x: Execution) => void;
const XM = { faults: 'XM' } as const;
const SCALAR = { l: 0, faults: 'XM' } as const;

/** A packed conversion whose source is half as wide as its result. */
function widening(encoding: string, name: string, run: Run, options: RowOptions): Row[] {
  const vex = { ...options, vex: true, feature: 'avx' } as const;
  return [
    row(encoding, name, 'Vdq Wq', run, options),
    row(encoding, `v${name}`, 'Vdq Wq', run, { ...vex, l: 0 }),
    row(encoding, `v${name}`, 'Vqq Wdq', run, { ...vex, l: 1 }),
  ];
}

export const rows: readonly Row[] = [
  ...pair('F3.0F 2A', 'cvtsi2ss', 'Vdq Hdq Ey', integerToScalar(F32), SCALAR),
  ...pair('F2.0F 2A', 'cvtsi2sd', 'Vdq Hdq Ey', integerToScalar(F64), SCALAR),
  ...pair('F3.0F 2C', 'cvttss2si', 'Gy Wd', scalarToInteger(F32, true), SCALAR),
  ...pair('F2.0F 2C', 'cvttsd2si', 'Gy Wq', scalarToInteger(F64, true), SCALAR),
  ...pair('F3.0F 2D', 'cvtss2si', 'Gy Wd', scalarToInteger(F32, false), SCALAR),
  ...pair('F2.0F 2D', 'cvtsd2si', 'Gy Wq', scalarToInteger(F64, false), SCALAR),
  ...pair('F3.0F 5A', 'cvtss2sd', 'Vdq Hdq Wd', scalarToScalar(F32, F64), SCALAR),
  ...pair('F2.0F 5A', 'cvtsd2ss', 'Vdq Hdq Wq', scalarToScalar(F64, F32), SCALAR),
  ...widening('NP.0F 5A', 'cvtps2pd', floats(F32, F64), XM),
  ...pair('66.0F 5A', 'cvtpd2ps', 'Vdq Wx', floats(F64, F32), XM),
  ...pair('NP.0F 5B', 'cvtdq2ps', 'Vx Wx', integersTo(F32), XM),
  ...pair('66.0F 5B', 'cvtps2dq', 'Vx Wx', toIntegers(F32, false), XM),
  ...pair('F3.0F 5B', 'cvttps2dq', 'Vx Wx', toIntegers(F32, true), XM),
  ...widening('F3.0F E6', 'cvtdq2pd', integersTo(F64), {}),
  ...pair('F2.0F E6', 'cvtpd2dq', 'Vdq Wx', toIntegers(F64, false), XM),
  ...pair('66.0F E6', 'cvttpd2dq', 'Vdq Wx', toIntegers(F64, true), XM),
];
