/**
 * Rows of vector instructions, which mostly come in pairs: the SSE form, whose destination is also a source, and the VEX form with a
 * separate source, whose result clears the rest of the register. In both, operand 0 is the result and H is the first source.
 */
import type { Execution } from './execution.ts';
import { type Row, type RowOptions, row } from './row.ts';
import type { NumberLane, Vec, WideLane } from './vec.ts';

export interface PairOptions extends RowOptions {
  /** Feature of the VEX form: avx unless the 256-bit form came with avx2. */
  readonly vexFeature?: string;
  /** Operands of the VEX form, where they are others than in the SSE form. */
  readonly vexOperands?: string;
  readonly vexManual?: string;
}

/** The SSE row and its VEX row. `encoding` starts with a prefix, NP for none. */
export function pair(
  encoding: string,
  name: string,
  operands: string,
  run: (x: Execution) => void,
  options: PairOptions = {},
): Row[] {
  const { vexFeature = 'avx', vexOperands = operands, ...shared } = options;
  const manual = options.manual ?? name.toUpperCase();
  const { w: _w, l: _l, ...legacy } = shared;
  // MOVD and MOVQ are told apart by REX.W as well.
  const sse = shared.w === undefined ? legacy : { ...legacy, w: shared.w };
  return [
    row(encoding, name, operands, run, { ...sse, manual }),
    row(encoding, `v${name}`, vexOperands, run, { ...shared, manual, vex: true, feature: vexFeature }),
  ];
}

/** result[i] = f(a[i], b[i]) for operands V H W. */
export function lanes(type: NumberLane, f: (a: number, b: number) => number): (x: Execution) => void {
  return x => {
    const a = x.load(1, x.a)[type];
    const b = x.load(2, x.b)[type];
    const out = x.out[type];
    const count = x.form.vectorSize / out.BYTES_PER_ELEMENT;
    for (let i = 0; i < count; i++) out[i] = f(a[i]!, b[i]!);
    x.store(0, x.out);
  };
}

/** The same on lanes of 64 bits. */
export function wideLanes(type: WideLane, f: (a: bigint, b: bigint) => bigint): (x: Execution) => void {
  return x => {
    const a = x.load(1, x.a)[type];
    const b = x.load(2, x.b)[type];
    const out = x.out[type];
    for (let i = 0; i < x.form.vectorSize / 8; i++) out[i] = f(a[i]!, b[i]!);
    x.store(0, x.out);
  };
}

/** result[i] = f(a[i]) for operands V W. */
export function unary(type: NumberLane, f: (a: number) => number): (x: Execution) => void {
  return x => {
    const a = x.load(1, x.a)[type];
    const out = x.out[type];
    for (let i = 0; i < x.form.vectorSize / out.BYTES_PER_ELEMENT; i++) out[i] = f(a[i]!);
    x.store(0, x.out);
  };
}

/**
 * Works on each half of 16 bytes alone, as nearly all AVX2 shuffles do: `f` fills `out` from byte `at` on. Operands V H W.
 */
export function halves(f: (a: Vec, b: Vec, out: Vec, at: number, x: Execution) => void): (x: Execution) => void {
  return x => {
    x.load(1, x.a);
    x.load(2, x.b);
    for (let at = 0; at < x.form.vectorSize; at += 16) f(x.a, x.b, x.out, at, x);
    x.store(0, x.out);
  };
}
