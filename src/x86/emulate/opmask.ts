/** AVX-512's opmask registers: moves, logic, shifts, tests (Intel SDM volume 2, K instructions). Encoded with VEX. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { maskOf, OSZAPC } from './flags.ts';
import { type Row, type RowOptions, row } from './row.ts';

/** Letter, width in bytes, prefix and W of the forms with two or three opmask registers; and the feature that brought them. */
const WIDTHS = [
  ['b', 1, '66', 0, 'avx512dq'],
  ['w', 2, 'NP', 0, 'avx512f'],
  ['d', 4, '66', 1, 'avx512bw'],
  ['q', 8, 'NP', 1, 'avx512bw'],
] as const;
/** The same for moves from and to general registers. */
const GENERAL = [
  ['b', '66', 0, 'd', 'avx512dq'],
  ['w', 'NP', 0, 'd', 'avx512f'],
  ['d', 'F2', 0, 'd', 'avx512bw'],
  ['q', 'F2', 1, 'q', 'avx512bw'],
] as const;

type Run = (x: Execution) => void;

function make(encoding: string, name: string, operands: string, run: Run, options: RowOptions): Row {
  return row(encoding, name, operands, run, { ...options, vex: true, unit: 'avx512' });
}

const move: Run = x => x.set(0, x.get(1));

const LOGIC: readonly (readonly [string, string, (a: bigint, b: bigint) => bigint])[] = [
  ['41', 'kand', (a, b) => a & b],
  ['42', 'kandn', (a, b) => ~a & b],
  ['45', 'kor', (a, b) => a | b],
  ['46', 'kxnor', (a, b) => ~(a ^ b)],
  ['47', 'kxor', (a, b) => a ^ b],
  ['4A', 'kadd', (a, b) => a + b],
];

/** KORTEST and KTEST: ZF and CF tell whether a combination is all zeroes or all ones. */
const test = (
  zero: (a: bigint, b: bigint, all: bigint) => boolean,
  carry: (a: bigint, b: bigint, all: bigint) => boolean,
): Run => {
  return x => {
    const all = maskOf(x.width(0));
    const [a, b] = [x.get(0), x.get(1)];
    x.setFlags(OSZAPC, (zero(a, b, all) ? FLAG.ZF : 0) | (carry(a, b, all) ? FLAG.CF : 0));
  };
};
const kortest = test(
  (a, b) => (a | b) === 0n,
  (a, b, all) => (a | b) === all,
);
const ktest = test(
  (a, b) => (a & b) === 0n,
  (a, b, all) => (~a & b & all) === 0n,
);

const shift = (left: boolean): Run => {
  return x => {
    const by = BigInt(x.byte(2));
    const value = x.get(1);
    x.set(0, by >= BigInt(x.width(0) * 8) ? 0n : left ? value << by : value >> by);
  };
};

/** KUNPCK: the low half of the second source, below that of the first. */
const unpack: Run = x => {
  const half = BigInt(x.width(0) * 4);
  const low = (1n << half) - 1n;
  x.set(0, ((x.get(1) & low) << half) | (x.get(2) & low));
};

export const rows: readonly Row[] = [
  ...WIDTHS.flatMap(([letter, , prefix, w, feature]) => [
    make(`${prefix}.0F 90`, `kmov${letter}`, `K${letter} N${letter}`, move, { l: 0, w, feature }),
    make(`${prefix}.0F 90`, `kmov${letter}`, `K${letter} M${letter}`, move, { l: 0, w, feature }),
    make(`${prefix}.0F 91`, `kmov${letter}`, `M${letter} K${letter}`, move, { l: 0, w, feature }),
    make(`${prefix}.0F 44`, `knot${letter}`, `K${letter} N${letter}`, x => x.set(0, ~x.get(1)), { l: 0, w, feature }),
    make(`${prefix}.0F 98`, `kortest${letter}`, `K${letter} N${letter}`, kortest, {
      l: 0,
      w,
      feature,
      flags: 'OSZAPC',
    }),
    make(`${prefix}.0F 99`, `ktest${letter}`, `K${letter} N${letter}`, ktest, {
      l: 0,
      w,
      feature: letter === 'w' ? 'avx512dq' : feature,
      flags: 'OSZAPC',
    }),
    ...LOGIC.map(([opcode, name, f]) =>
      make(
        `${prefix}.0F ${opcode}`,
        `${name}${letter}`,
        `K${letter} Y${letter} N${letter}`,
        x => x.set(0, f(x.get(1), x.get(2))),
        {
          l: 1,
          w,
          feature: name === 'kadd' && letter === 'w' ? 'avx512dq' : feature,
        },
      ),
    ),
  ]),
  ...GENERAL.flatMap(([letter, prefix, w, general, feature]) => [
    make(`${prefix}.0F 92`, `kmov${letter}`, `K${letter} R${general}`, move, { l: 0, w, feature }),
    make(`${prefix}.0F 93`, `kmov${letter}`, `G${general} N${letter}`, move, { l: 0, w, feature }),
  ]),
  make('66.0F 4B', 'kunpckbw', 'Kw Yw Nw', unpack, { l: 1, w: 0, feature: 'avx512f' }),
  make('NP.0F 4B', 'kunpckwd', 'Kd Yd Nd', unpack, { l: 1, w: 0, feature: 'avx512bw' }),
  make('NP.0F 4B', 'kunpckdq', 'Kq Yq Nq', unpack, { l: 1, w: 1, feature: 'avx512bw' }),
  ...[
    ['30', 'kshiftrb', 'b', 0, false],
    ['30', 'kshiftrw', 'w', 1, false],
    ['31', 'kshiftrd', 'd', 0, false],
    ['31', 'kshiftrq', 'q', 1, false],
    ['32', 'kshiftlb', 'b', 0, true],
    ['32', 'kshiftlw', 'w', 1, true],
    ['33', 'kshiftld', 'd', 0, true],
    ['33', 'kshiftlq', 'q', 1, true],
  ].map(([opcode, name, letter, w, left]) =>
    make(`66.0F3A ${opcode}`, name as string, `K${letter} N${letter} Ib`, shift(left as boolean), {
      l: 0,
      w: w as 0 | 1,
      feature: letter === 'b' ? 'avx512dq' : letter === 'w' ? 'avx512f' : 'avx512bw',
    }),
  ),
];
