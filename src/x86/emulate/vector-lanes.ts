/** AVX and AVX2 instructions that have no SSE form: broadcasts, moves across 16-byte lanes, masked moves, VZEROUPPER. */

import type { Execution } from './execution.ts';
import { type Row, type RowOptions, row } from './row.ts';
import { COMPONENT } from './xsave-area.ts';

/** Fills the destination with the first `size` bytes of the source. */
const broadcast = (size: number) => (x: Execution) => {
  x.load(1, x.a);
  for (let at = 0; at < x.form.vectorSize; at += size) x.out.u8.set(x.a.u8.subarray(0, size), at);
  x.store(0, x.out);
};

/** Puts 16 bytes of operand 2 into half `imm` of operand 1. */
const insertHalf = (x: Execution): void => {
  x.load(2, x.b);
  x.load(1, x.a).u8.set(x.b.u8.subarray(0, 16), (x.byte(3) & 1) * 16);
  x.store(0, x.a);
};

const extractHalf = (x: Execution): void => {
  x.load(1, x.a);
  const at = (x.byte(2) & 1) * 16;
  x.out.clear().u8.set(x.a.u8.subarray(at, at + 16));
  if (x.isMemory(0)) x.store(0, x.out);
  else x.storeLow(0, x.out);
};

/** VPERM2F128: each half is one of four, or zero. */
const permuteHalves = (x: Execution): void => {
  x.load(1, x.a);
  x.load(2, x.b);
  const control = x.byte(3);
  for (const half of [0, 1]) {
    const choice = control >> (half * 4);
    const from = (choice & 2 ? x.b : x.a).u8.subarray((choice & 1) * 16, (choice & 1) * 16 + 16);
    if (choice & 8) x.out.u8.fill(0, half * 16, half * 16 + 16);
    else x.out.u8.set(from, half * 16);
  }
  x.store(0, x.out);
};

const permuteQuads = (x: Execution): void => {
  x.load(1, x.a);
  for (let i = 0; i < 4; i++) x.out.u64[i] = x.a.u64[(x.byte(2) >> (2 * i)) & 3]!;
  x.store(0, x.out);
};

/** VPERMD, VPERMPS: any of eight, the indices in the first source. */
const permuteDoubles = (x: Execution): void => {
  x.load(1, x.a);
  x.load(2, x.b);
  for (let i = 0; i < 8; i++) x.out.u32[i] = x.b.u32[x.a.u32[i]! & 7]!;
  x.store(0, x.out);
};

/** VPERMILPS and VPERMILPD within 16 bytes, by an immediate or by a vector. */
const permuteSingles = (control: (x: Execution, lane: number) => number) => (x: Execution) => {
  x.load(1, x.a);
  if (x.form.operands[2]!.kind !== 'immediate') x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / 4; i++) x.out.u32[i] = x.a.u32[(i & ~3) + (control(x, i) & 3)]!;
  x.store(0, x.out);
};
const permutePairs = (control: (x: Execution, lane: number) => number) => (x: Execution) => {
  x.load(1, x.a);
  if (x.form.operands[2]!.kind !== 'immediate') x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / 8; i++) x.out.u64[i] = x.a.u64[(i & ~1) + (control(x, i) & 1)]!;
  x.store(0, x.out);
};

const blendDoubles = (x: Execution): void => {
  x.load(1, x.a);
  x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / 4; i++) x.out.u32[i] = ((x.byte(3) >> i) & 1 ? x.b : x.a).u32[i]!;
  x.store(0, x.out);
};

/** Lanes whose mask has the top bit are loaded, others are zero and not accessed. */
const maskedLoad = (size: 4 | 8) => (x: Execution) => {
  x.load(1, x.a);
  x.out.clear();
  for (let at = 0; at < x.form.vectorSize; at += size) {
    if (!(x.a.u8[at + size - 1]! & 0x80)) continue;
    const value = x.read(x.address(size, BigInt(at)), size);
    if (size === 8) x.out.u64[at / 8] = value;
    else x.out.u32[at / 4] = Number(value);
  }
  x.store(0, x.out);
};

const maskedStore = (size: 4 | 8) => (x: Execution) => {
  x.load(1, x.a);
  x.load(2, x.b);
  const chosen: number[] = [];
  for (let at = 0; at < x.form.vectorSize; at += size) if (x.a.u8[at + size - 1]! & 0x80) chosen.push(at);
  for (const at of chosen) x.memory.checkWrite(x.address(size, BigInt(at)), size);
  for (const at of chosen) {
    const value = size === 8 ? x.b.u64[at / 8]! : BigInt(x.b.u32[at / 4]!);
    x.write(x.address(size, BigInt(at)), size, value);
  }
};

/** VZEROUPPER, or VZEROALL with VEX.256: all sixteen registers in 64-bit mode, eight elsewhere. */
const zero = (x: Execution): void => {
  const count = x.form.mode === 64 ? 16 : 8;
  const all = x.form.vectorSize === 32;
  if (!all && !(x.fpu.present & (COMPONENT.avx | COMPONENT.zmmHigh))) return;
  for (let i = 0; i < count; i++) {
    x.fpu.readVector(i, x.a, 16);
    x.fpu.writeAll(i, all ? x.a.clear() : x.a, 16);
  }
};

type Run = (x: Execution) => void;
const vex = (
  encoding: string,
  name: string,
  operands: string,
  run: Run,
  feature: 'avx' | 'avx2',
  options: RowOptions = {},
) => row(encoding, name, operands, run, { vex: true, feature, w: 0, ...options });
const masked = (opcode: string, name: string, load: boolean, size: 4 | 8, feature: 'avx' | 'avx2', w: 0 | 1) =>
  vex(`66.0F38 ${opcode}`, name, load ? 'Vx Hx Mx' : 'Mx Hx Vx', load ? maskedLoad(size) : maskedStore(size), feature, {
    w,
  });

export const rows: readonly Row[] = [
  vex('66.0F38 18', 'vbroadcastss', 'Vx Wd', broadcast(4), 'avx2', { manual: 'VBROADCAST' }),
  vex('66.0F38 19', 'vbroadcastsd', 'Vx Wq', broadcast(8), 'avx2', { l: 1, manual: 'VBROADCAST' }),
  vex('66.0F38 1A', 'vbroadcastf128', 'Vx Mdq', broadcast(16), 'avx', { l: 1, manual: 'VBROADCAST' }),
  vex('66.0F38 5A', 'vbroadcasti128', 'Vx Mdq', broadcast(16), 'avx2', { l: 1, manual: 'VPBROADCAST' }),
  vex('66.0F38 78', 'vpbroadcastb', 'Vx Wb', broadcast(1), 'avx2', { manual: 'VPBROADCAST' }),
  vex('66.0F38 79', 'vpbroadcastw', 'Vx Ww', broadcast(2), 'avx2', { manual: 'VPBROADCAST' }),
  vex('66.0F38 58', 'vpbroadcastd', 'Vx Wd', broadcast(4), 'avx2', { manual: 'VPBROADCAST' }),
  vex('66.0F38 59', 'vpbroadcastq', 'Vx Wq', broadcast(8), 'avx2', { manual: 'VPBROADCAST' }),
  vex('66.0F3A 18', 'vinsertf128', 'Vx Hx Wdq Ib', insertHalf, 'avx', { l: 1 }),
  vex('66.0F3A 38', 'vinserti128', 'Vx Hx Wdq Ib', insertHalf, 'avx2', { l: 1 }),
  vex('66.0F3A 19', 'vextractf128', 'Wdq Vx Ib', extractHalf, 'avx', { l: 1 }),
  vex('66.0F3A 39', 'vextracti128', 'Wdq Vx Ib', extractHalf, 'avx2', { l: 1 }),
  vex('66.0F3A 06', 'vperm2f128', 'Vx Hx Wx Ib', permuteHalves, 'avx', { l: 1 }),
  vex('66.0F3A 46', 'vperm2i128', 'Vx Hx Wx Ib', permuteHalves, 'avx2', { l: 1 }),
  vex('66.0F3A 00', 'vpermq', 'Vx Wx Ib', permuteQuads, 'avx2', { l: 1, w: 1 }),
  vex('66.0F3A 01', 'vpermpd', 'Vx Wx Ib', permuteQuads, 'avx2', { l: 1, w: 1 }),
  vex('66.0F38 36', 'vpermd', 'Vx Hx Wx', permuteDoubles, 'avx2', { l: 1 }),
  vex('66.0F38 16', 'vpermps', 'Vx Hx Wx', permuteDoubles, 'avx2', { l: 1 }),
  vex(
    '66.0F3A 04',
    'vpermilps',
    'Vx Wx Ib',
    permuteSingles((x, i) => x.byte(2) >> (2 * (i & 3))),
    'avx',
  ),
  vex(
    '66.0F38 0C',
    'vpermilps',
    'Vx Hx Wx',
    permuteSingles((x, i) => x.b.u32[i]!),
    'avx',
  ),
  vex(
    '66.0F3A 05',
    'vpermilpd',
    'Vx Wx Ib',
    permutePairs((x, i) => x.byte(2) >> i),
    'avx',
  ),
  vex(
    '66.0F38 0D',
    'vpermilpd',
    'Vx Hx Wx',
    permutePairs((x, i) => x.b.u32[i * 2]! >> 1),
    'avx',
  ),
  vex('66.0F3A 02', 'vpblendd', 'Vx Hx Wx Ib', blendDoubles, 'avx2'),
  masked('2C', 'vmaskmovps', true, 4, 'avx', 0),
  masked('2E', 'vmaskmovps', false, 4, 'avx', 0),
  masked('2D', 'vmaskmovpd', true, 8, 'avx', 0),
  masked('2F', 'vmaskmovpd', false, 8, 'avx', 0),
  masked('8C', 'vpmaskmovd', true, 4, 'avx2', 0),
  masked('8E', 'vpmaskmovd', false, 4, 'avx2', 0),
  masked('8C', 'vpmaskmovq', true, 8, 'avx2', 1),
  masked('8E', 'vpmaskmovq', false, 8, 'avx2', 1),
  row('NP.0F 77', 'vzeroupper', '', zero, { vex: true, unit: 'avx', feature: 'avx', manual: 'VZEROUPPER, VZEROALL' }),
];
