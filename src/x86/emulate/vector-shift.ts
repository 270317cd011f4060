/** Packed shifts: by an immediate, by a count in a vector, by a count for each lane, and of whole registers by bytes. */
import type { Execution } from './execution.ts';
import { type Row, row } from './row.ts';
import type { Vec } from './vec.ts';
import { pair, wideLanes } from './vector-rows.ts';

type Size = 2 | 4 | 8;
type Way = 'left' | 'right' | 'arithmetic';

/** Shifts all lanes of `from` by `count`, which may be huge. */
function shiftLanes(from: Vec, out: Vec, size: Size, way: Way, count: bigint, length: number): void {
  const bits = size * 8;
  const by = count >= BigInt(bits) ? bits : Number(count);
  if (size === 8) {
    for (let i = 0; i < length / 8; i++) {
      const value = from.u64[i]!;
      out.u64[i] = by === 64 ? 0n : way === 'left' ? value << BigInt(by) : value >> BigInt(by);
    }
    return;
  }
  const source = size === 2 ? (way === 'arithmetic' ? from.i16 : from.u16) : way === 'arithmetic' ? from.i32 : from.u32;
  const target = size === 2 ? out.u16 : out.u32;
  for (let i = 0; i < length / size; i++) {
    const value = source[i]!;
    if (way === 'arithmetic') target[i] = value >> Math.min(by, bits - 1);
    else if (by === bits) target[i] = 0;
    else target[i] = way === 'left' ? value << by : value >>> by;
  }
}

const byImmediate = (size: Size, way: Way) => (x: Execution) => {
  const last = x.form.operands.length - 1;
  x.load(last - 1, x.a);
  shiftLanes(x.a, x.out, size, way, BigInt(x.byte(last)), x.form.vectorSize);
  x.store(0, x.out);
};

/** The count is the low 64 bits of the last operand, 16 bytes in memory. */
const byVector = (size: Size, way: Way) => (x: Execution) => {
  x.load(1, x.a);
  const count = x.load(2, x.b).u64[0]!;
  shiftLanes(x.a, x.out, size, way, count, x.form.vectorSize);
  x.store(0, x.out);
};

const byBytes = (left: boolean) => (x: Execution) => {
  const last = x.form.operands.length - 1;
  x.load(last - 1, x.a);
  const by = Math.min(x.byte(last), 16);
  for (let at = 0; at < x.form.vectorSize; at += 16) {
    for (let i = 0; i < 16; i++) {
      const from = left ? i - by : i + by;
      x.out.u8[at + i] = from >= 0 && from < 16 ? x.a.u8[at + from]! : 0;
    }
  }
  x.store(0, x.out);
};

/** A count for each 32-bit lane. */
const variable = (way: Way) => (x: Execution) => {
  x.load(1, x.a);
  x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / 4; i++) {
    const count = x.b.u32[i]!;
    if (way === 'arithmetic') x.out.i32[i] = x.a.i32[i]! >> Math.min(count, 31);
    else if (count > 31) x.out.u32[i] = 0;
    else x.out.u32[i] = way === 'left' ? x.a.u32[i]! << count : x.a.u32[i]! >>> count;
  }
  x.store(0, x.out);
};

const AVX2 = { vexFeature: 'avx2' } as const;

function immediate(opcode: string, digit: number, name: string, run: (x: Execution) => void): Row[] {
  return pair(`66.0F ${opcode} /${digit}`, name, 'Ux Ib', run, { ...AVX2, vexOperands: 'Hx Ux Ib' });
}

const vector = (opcode: string, name: string, size: Size, way: Way) =>
  pair(`66.0F ${opcode}`, name, 'Vx Hx Wdq', byVector(size, way), AVX2);

const each = (opcode: string, name: string, w: 0 | 1, run: (x: Execution) => void) =>
  row(`66.0F38 ${opcode}`, name, 'Vx Hx Wx', run, { vex: true, w, feature: 'avx2' });

export const rows: readonly Row[] = [
  ...immediate('71', 2, 'psrlw', byImmediate(2, 'right')),
  ...immediate('71', 4, 'psraw', byImmediate(2, 'arithmetic')),
  ...immediate('71', 6, 'psllw', byImmediate(2, 'left')),
  ...immediate('72', 2, 'psrld', byImmediate(4, 'right')),
  ...immediate('72', 4, 'psrad', byImmediate(4, 'arithmetic')),
  ...immediate('72', 6, 'pslld', byImmediate(4, 'left')),
  ...immediate('73', 2, 'psrlq', byImmediate(8, 'right')),
  ...immediate('73', 3, 'psrldq', byBytes(false)),
  ...immediate('73', 6, 'psllq', byImmediate(8, 'left')),
  ...immediate('73', 7, 'pslldq', byBytes(true)),
  ...vector('D1', 'psrlw', 2, 'right'),
  ...vector('D2', 'psrld', 4, 'right'),
  ...vector('D3', 'psrlq', 8, 'right'),
  ...vector('E1', 'psraw', 2, 'arithmetic'),
  ...vector('E2', 'psrad', 4, 'arithmetic'),
  ...vector('F1', 'psllw', 2, 'left'),
  ...vector('F2', 'pslld', 4, 'left'),
  ...vector('F3', 'psllq', 8, 'left'),
  each('45', 'vpsrlvd', 0, variable('right')),
  each('46', 'vpsravd', 0, variable('arithmetic')),
  each('47', 'vpsllvd', 0, variable('left')),
  each(
    '45',
    'vpsrlvq',
    1,
    wideLanes('u64', (a, b) => (b > 63n ? 0n : a >> b)),
  ),
  each(
    '47',
    'vpsllvq',
    1,
    wideLanes('u64', (a, b) => (b > 63n ? 0n : BigInt.asUintN(64, a << b))),
  ),
];
