/** SSE and AVX floating point: arithmetic, minimum and maximum, roots, logic, compares, rounding, horizontal sums, FMA. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { OSZAPC } from './flags.ts';
import type { FloatEnv } from './float-env.ts';
import type { FloatFormat } from './float-format.ts';
import {
  binary,
  type Exact,
  environment,
  FLAVOURS,
  type Flavour,
  laneBits,
  laneCount,
  setLane,
  settle,
  single,
} from './float-lanes.ts';
import { type Row, row } from './row.ts';
import { compare, extreme, roundToIntegral } from './soft-compare.ts';
import { add, divide, multiply, multiplyAdd, squareRoot } from './soft-float.ts';
import { halves, lanes, pair } from './vector-rows.ts';

/** Operand text of a flavour: `V H W` with the memory size of its second source. */
function operands({ scalar, format }: Flavour, tail = ''): string {
  const size = scalar ? (format.size === 4 ? 'd' : 'q') : 'x';
  const rest = scalar ? 'dq' : 'x';
  return `V${rest} H${rest} W${size}${tail}`;
}

const options = ({ scalar }: Flavour) => (scalar ? ({ l: 0, faults: 'XM' } as const) : ({ faults: 'XM' } as const));

const ARITHMETIC: readonly (readonly [string, string, Exact, ((a: number, b: number) => number) | undefined])[] = [
  ['58', 'add', (f, env, a, b) => add(f, env, a, b), (a, b) => a + b],
  ['59', 'mul', multiply, (a, b) => a * b],
  ['5C', 'sub', (f, env, a, b) => add(f, env, a, b, true), (a, b) => a - b],
  ['5D', 'min', (f, env, a, b) => extreme(f, env, a, b, 'less'), undefined],
  ['5E', 'div', divide, (a, b) => a / b],
  ['5F', 'max', (f, env, a, b) => extreme(f, env, a, b, 'greater'), undefined],
];

const arithmetic: readonly Row[] = ARITHMETIC.flatMap(([opcode, name, exact, quick]) =>
  FLAVOURS.flatMap(flavour =>
    pair(
      `${flavour.prefix}.0F ${opcode}`,
      `${name}${flavour.suffix}`,
      operands(flavour),
      binary(flavour, exact, quick),
      options(flavour),
    ),
  ),
);

const roots: readonly Row[] = FLAVOURS.flatMap(flavour => {
  const run = single(flavour, (env, a) => squareRoot(flavour.format, env, a), flavour.scalar ? 2 : 1);
  const text = flavour.scalar ? operands(flavour) : 'Vx Wx';
  return pair(`${flavour.prefix}.0F 51`, `sqrt${flavour.suffix}`, text, run, options(flavour));
});

const LOGIC: readonly (readonly [string, string, (a: number, b: number) => number])[] = [
  ['54', 'and', (a, b) => a & b],
  ['55', 'andn', (a, b) => ~a & b],
  ['56', 'or', (a, b) => a | b],
  ['57', 'xor', (a, b) => a ^ b],
];
const logic: readonly Row[] = LOGIC.flatMap(([opcode, name, f]) => [
  ...pair(`NP.0F ${opcode}`, `${name}ps`, 'Vx Hx Wx', lanes('u32', f)),
  ...pair(`66.0F ${opcode}`, `${name}pd`, 'Vx Hx Wx', lanes('u32', f)),
]);

/** COMISS and UCOMISS: ZF, PF and CF tell the order. */
const flagCompare = (f: FloatFormat, signal: boolean) => (x: Execution) => {
  const env = environment(x);
  x.load(0, x.a);
  x.load(1, x.b);
  const order = compare(f, env, laneBits(f, x.a, 0), laneBits(f, x.b, 0), signal);
  settle(x, env);
  const { ZF, PF, CF } = FLAG;
  x.setFlags(OSZAPC, order === 'unordered' ? ZF | PF | CF : order === 'less' ? CF : order === 'equal' ? ZF : 0);
};

/**
 * The 32 predicates of CMPPS (SDM volume 2, table 3-1): which orders are true, and which predicates signal on quiet NaNs. Numbers 16 to
 * 31 are 0 to 15 with the opposite signalling.
 */
const PREDICATES: readonly (readonly [string, boolean])[] = [
  ['e', false],
  ['l', true],
  ['le', true],
  ['u', false],
  ['lgu', false],
  ['egu', true],
  ['gu', true],
  ['leg', false],
  ['eu', false],
  ['lu', true],
  ['leu', true],
  ['', false],
  ['lg', false],
  ['eg', true],
  ['g', true],
  ['legu', false],
];
const LETTERS = { less: 'l', equal: 'e', greater: 'g', unordered: 'u' } as const;

const maskCompare =
  ({ format: f, scalar }: Flavour) =>
  (x: Execution) => {
    const env = environment(x);
    const number = x.byte(3) & (x.form.row.vex ? 31 : 7);
    const [orders, signal] = PREDICATES[number & 15]!;
    x.out.copy(x.load(1, x.a));
    x.load(2, x.b);
    for (let i = 0; i < laneCount(x, f, scalar); i++) {
      const order = compare(f, env, laneBits(f, x.a, i), laneBits(f, x.b, i), signal !== number > 15);
      setLane(f, x.out, i, orders.includes(LETTERS[order]) ? (1n << BigInt(f.size * 8)) - 1n : 0n);
    }
    settle(x, env);
    x.store(0, x.out);
  };

/** The rounding of an immediate: bit 2 says to use MXCSR's, bit 3 leaves PRECISION alone. */
const rounding = (flavour: Flavour, control: number) =>
  single(
    flavour,
    (env: FloatEnv, a, x) => {
      const mode = x.byte(control);
      return roundToIntegral(flavour.format, env, a, mode & 4 ? env.rounding : mode & 3, (mode & 8) !== 0);
    },
    flavour.scalar ? 2 : 1,
  );

const ROUNDS = [
  ['08', 0],
  ['09', 1],
  ['0A', 2],
  ['0B', 3],
] as const;
const rounds: readonly Row[] = ROUNDS.flatMap(([opcode, index]) => {
  const flavour = FLAVOURS[index]!;
  const text = flavour.scalar ? operands(flavour, ' Ib') : 'Vx Wx Ib';
  const run = rounding(flavour, flavour.scalar ? 3 : 2);
  return pair(`66.0F3A ${opcode}`, `round${flavour.suffix}`, text, run, { ...options(flavour), feature: 'sse4_1' });
});

/** HADD, HSUB and ADDSUB. */
function horizontal(f: FloatFormat, combine: 'hadd' | 'hsub'): (x: Execution) => void {
  const subtract = combine === 'hsub';
  return x => {
    const env = environment(x);
    const count = 8 / f.size;
    halves((a, b, out, at) => {
      const start = at / f.size;
      for (let i = 0; i < count; i++) {
        const sum = (from: typeof a) =>
          add(f, env, laneBits(f, from, start + 2 * i), laneBits(f, from, start + 2 * i + 1), subtract);
        setLane(f, out, start + i, sum(a));
        setLane(f, out, start + count + i, sum(b));
      }
      if (at + 16 === x.form.vectorSize) settle(x, env);
    })(x);
  };
}

const alternate = (f: FloatFormat) => (x: Execution) => {
  const env = environment(x);
  x.load(1, x.a);
  x.load(2, x.b);
  for (let i = 0; i < laneCount(x, f, false); i++) {
    setLane(f, x.out, i, add(f, env, laneBits(f, x.a, i), laneBits(f, x.b, i), i % 2 === 0));
  }
  settle(x, env);
  x.store(0, x.out);
};

const [PS, PD, SS, SD] = FLAVOURS as readonly [Flavour, Flavour, Flavour, Flavour];
const sse3 = { feature: 'pni', faults: 'XM' } as const;
const compares = { flags: 'OSZAPC', faults: 'XM', l: 0 } as const;

/** VFMADD and its kin: which operands are multiplied, and the signs. Operand 0 is a source as well. */
const ORDERS = [
  ['132', [0, 2, 1]],
  ['213', [1, 0, 2]],
  ['231', [1, 2, 0]],
] as const;
const KINDS = [
  ['madd', 0x8, false, false],
  ['msub', 0xa, false, true],
  ['nmadd', 0xc, true, false],
  ['nmsub', 0xe, true, true],
] as const;

const fused =
  ({ format: f, scalar }: Flavour, order: readonly number[], negate: boolean, subtract: boolean) =>
  (x: Execution) => {
    const env = environment(x);
    x.load(0, x.a);
    x.load(1, x.b);
    x.load(2, x.c);
    const sources = order.map(i => [x.a, x.b, x.c][i]!);
    x.out.copy(x.a);
    for (let i = 0; i < laneCount(x, f, scalar); i++) {
      const bits = sources.map(from => laneBits(f, from, i)) as unknown as readonly [bigint, bigint, bigint];
      setLane(f, x.out, i, multiplyAdd(f, env, bits, negate, subtract));
    }
    settle(x, env);
    x.store(0, x.out);
  };

const fma: readonly Row[] = ORDERS.flatMap(([digits, order], group) =>
  KINDS.flatMap(([kind, low, negate, subtract]) =>
    [PS, PD, SS, SD].map(flavour => {
      const opcode = 0x90 + group * 0x10 + low + (flavour.scalar ? 1 : 0);
      return row(
        `66.0F38 ${opcode.toString(16).toUpperCase()}`,
        `vf${kind}${digits}${flavour.suffix}`,
        operands(flavour),
        fused(flavour, order, negate, subtract),
        { vex: true, feature: 'fma', w: flavour.format.size === 8 ? 1 : 0, ...options(flavour) },
      );
    }),
  ),
);

export const rows: readonly Row[] = [
  ...arithmetic,
  ...roots,
  ...logic,
  ...pair('NP.0F 2E', 'ucomiss', 'Vd Wd', flagCompare(SS.format, false), compares),
  ...pair('66.0F 2E', 'ucomisd', 'Vq Wq', flagCompare(SD.format, false), compares),
  ...pair('NP.0F 2F', 'comiss', 'Vd Wd', flagCompare(SS.format, true), compares),
  ...pair('66.0F 2F', 'comisd', 'Vq Wq', flagCompare(SD.format, true), compares),
  ...FLAVOURS.flatMap(flavour =>
    pair(
      `${flavour.prefix}.0F C2`,
      `cmp${flavour.suffix}`,
      operands(flavour, ' Ib'),
      maskCompare(flavour),
      options(flavour),
    ),
  ),
  ...rounds,
  ...pair('F2.0F 7C', 'haddps', 'Vx Hx Wx', horizontal(PS.format, 'hadd'), sse3),
  ...pair('66.0F 7C', 'haddpd', 'Vx Hx Wx', horizontal(PD.format, 'hadd'), sse3),
  ...pair('F2.0F 7D', 'hsubps', 'Vx Hx Wx', horizontal(PS.format, 'hsub'), sse3),
  ...pair('66.0F 7D', 'hsubpd', 'Vx Hx Wx', horizontal(PD.format, 'hsub'), sse3),
  ...pair('F2.0F D0', 'addsubps', 'Vx Hx Wx', alternate(PS.format), sse3),
  ...pair('66.0F D0', 'addsubpd', 'Vx Hx Wx', alternate(PD.format), sse3),
  ...fma,
];
