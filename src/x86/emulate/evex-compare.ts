/** AVX-512 compares and tests, whose result is an opmask register. */
import { BYTES, make, type Run } from './evex-rows.ts';
import type { Execution } from './execution.ts';
import type { Row, RowOptions } from './row.ts';
import type { NumberLane } from './vec.ts';

/** Sets the bits of an opmask register for the lanes of which `holds` is true, among those that the mask picks. */
function intoMask(element: number, holds: (x: Execution, lane: number) => boolean): Run {
  return x => {
    x.load(1, x.a);
    x.load(2, x.b);
    let result = 0n;
    for (let i = 0; i < x.form.vectorSize / element; i++) {
      if (x.picks(i) && holds(x, i)) result |= 1n << BigInt(i);
    }
    x.set(0, result);
  };
}

const UNSIGNED: Readonly<Record<number, NumberLane>> = { 1: 'u8', 2: 'u16', 4: 'u32' };
const SIGNED: Readonly<Record<number, NumberLane>> = { 1: 'i8', 2: 'i16', 4: 'i32' };

/** -1, 0 or 1: how lane `i` of the first source compares with that of the second. */
function order(x: Execution, element: number, signed: boolean, i: number): number {
  if (element === 8) {
    const type = signed ? 'i64' : 'u64';
    const [a, b] = [x.a[type][i]!, x.b[type][i]!];
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const type = (signed ? SIGNED : UNSIGNED)[element]!;
  return Math.sign(x.a[type][i]! - x.b[type][i]!);
}

/** The eight predicates of VPCMP: EQ, LT, LE, false, NE, NLT, NLE, true. */
const PREDICATES: readonly ((order: number) => boolean)[] = [
  value => value === 0,
  value => value < 0,
  value => value <= 0,
  () => false,
  value => value !== 0,
  value => value >= 0,
  value => value > 0,
  () => true,
];

const byPredicate = (element: number, signed: boolean): Run =>
  intoMask(element, (x, i) => PREDICATES[x.byte(3) & 7]!(order(x, element, signed, i)));
const fixed = (element: number, wanted: number): Run =>
  intoMask(element, (x, i) => order(x, element, true, i) === wanted);

/** VPTESTM and VPTESTNM: whether the lanes have a bit in common, or none. */
const common = (element: number, wanted: boolean): Run =>
  intoMask(element, (x, i) => {
    for (let at = i * element; at < (i + 1) * element; at++) if (x.a.u8[at]! & x.b.u8[at]!) return wanted;
    return !wanted;
  });

/** Element sizes with the options that go with them. */
const SIZES = [
  ['b', { feature: 'avx512bw' }],
  ['w', { feature: 'avx512bw' }],
  ['d', { broadcast: true }],
  ['q', { broadcast: true }],
] as const;

export const rows: readonly Row[] = SIZES.flatMap(([letter, options]) => {
  const element = BYTES[letter]!;
  const w = letter === 'w' || letter === 'q' ? 1 : 0;
  const small = element < 4;
  const any = small ? options : { ...options, w };
  const equal = { b: '0F 74', w: '0F 75', d: '0F 76', q: '0F38 29' }[letter];
  const greater = { b: '0F 64', w: '0F 65', d: '0F 66', q: '0F38 37' }[letter];
  const imm = { ...options, w } as RowOptions;
  return [
    make(`66.${equal}`, `vpcmpeq${letter}`, 'Kq Hx Wu', fixed(element, 0), element, any as RowOptions),
    make(`66.${greater}`, `vpcmpgt${letter}`, 'Kq Hx Wu', fixed(element, 1), element, any as RowOptions),
    make(`66.0F3A ${small ? '3F' : '1F'}`, `vpcmp${letter}`, 'Kq Hx Wu Ib', byPredicate(element, true), element, imm),
    make(`66.0F3A ${small ? '3E' : '1E'}`, `vpcmpu${letter}`, 'Kq Hx Wu Ib', byPredicate(element, false), element, imm),
    make(`66.0F38 ${small ? '26' : '27'}`, `vptestm${letter}`, 'Kq Hx Wu', common(element, true), element, imm),
    make(`F3.0F38 ${small ? '26' : '27'}`, `vptestnm${letter}`, 'Kq Hx Wu', common(element, false), element, imm),
  ];
});
