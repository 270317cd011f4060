/** Packed integers: arithmetic, compares, logic, minimum and maximum, products, and shifts. */
import type { Execution } from './execution.ts';
import type { Row } from './row.ts';
import type { NumberLane } from './vec.ts';
import { halves, lanes, pair, unary, wideLanes } from './vector-rows.ts';

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
const s8 = (value: number): number => clamp(value, -128, 127);
const s16 = (value: number): number => clamp(value, -32_768, 32_767);
const all = (truth: boolean): number => (truth ? -1 : 0);

type Lane = readonly [encoding: string, name: string, type: NumberLane, f: (a: number, b: number) => number];

const SSE2: readonly Lane[] = [
  ['0F FC', 'paddb', 'u8', (a, b) => a + b],
  ['0F FD', 'paddw', 'u16', (a, b) => a + b],
  ['0F FE', 'paddd', 'u32', (a, b) => a + b],
  ['0F F8', 'psubb', 'u8', (a, b) => a - b],
  ['0F F9', 'psubw', 'u16', (a, b) => a - b],
  ['0F FA', 'psubd', 'u32', (a, b) => a - b],
  ['0F EC', 'paddsb', 'i8', (a, b) => s8(a + b)],
  ['0F ED', 'paddsw', 'i16', (a, b) => s16(a + b)],
  ['0F DC', 'paddusb', 'u8', (a, b) => Math.min(a + b, 255)],
  ['0F DD', 'paddusw', 'u16', (a, b) => Math.min(a + b, 65_535)],
  ['0F E8', 'psubsb', 'i8', (a, b) => s8(a - b)],
  ['0F E9', 'psubsw', 'i16', (a, b) => s16(a - b)],
  ['0F D8', 'psubusb', 'u8', (a, b) => Math.max(a - b, 0)],
  ['0F D9', 'psubusw', 'u16', (a, b) => Math.max(a - b, 0)],
  ['0F DE', 'pmaxub', 'u8', Math.max],
  ['0F EE', 'pmaxsw', 'i16', Math.max],
  ['0F DA', 'pminub', 'u8', Math.min],
  ['0F EA', 'pminsw', 'i16', Math.min],
  ['0F 74', 'pcmpeqb', 'i8', (a, b) => all(a === b)],
  ['0F 75', 'pcmpeqw', 'i16', (a, b) => all(a === b)],
  ['0F 76', 'pcmpeqd', 'i32', (a, b) => all(a === b)],
  ['0F 64', 'pcmpgtb', 'i8', (a, b) => all(a > b)],
  ['0F 65', 'pcmpgtw', 'i16', (a, b) => all(a > b)],
  ['0F 66', 'pcmpgtd', 'i32', (a, b) => all(a > b)],
  ['0F DB', 'pand', 'u32', (a, b) => a & b],
  ['0F DF', 'pandn', 'u32', (a, b) => ~a & b],
  ['0F EB', 'por', 'u32', (a, b) => a | b],
  ['0F EF', 'pxor', 'u32', (a, b) => a ^ b],
  ['0F E0', 'pavgb', 'u8', (a, b) => (a + b + 1) >> 1],
  ['0F E3', 'pavgw', 'u16', (a, b) => (a + b + 1) >> 1],
  ['0F D5', 'pmullw', 'i16', (a, b) => a * b],
  ['0F E5', 'pmulhw', 'i16', (a, b) => (a * b) >> 16],
  ['0F E4', 'pmulhuw', 'u16', (a, b) => (a * b) / 65_536],
];

const SSSE3: readonly Lane[] = [
  ['0F38 08', 'psignb', 'i8', (a, b) => a * Math.sign(b)],
  ['0F38 09', 'psignw', 'i16', (a, b) => a * Math.sign(b)],
  ['0F38 0A', 'psignd', 'i32', (a, b) => a * Math.sign(b)],
  ['0F38 0B', 'pmulhrsw', 'i16', (a, b) => (((a * b) >> 14) + 1) >> 1],
];

const SSE41: readonly Lane[] = [
  ['0F38 38', 'pminsb', 'i8', Math.min],
  ['0F38 39', 'pminsd', 'i32', Math.min],
  ['0F38 3A', 'pminuw', 'u16', Math.min],
  ['0F38 3B', 'pminud', 'u32', Math.min],
  ['0F38 3C', 'pmaxsb', 'i8', Math.max],
  ['0F38 3D', 'pmaxsd', 'i32', Math.max],
  ['0F38 3E', 'pmaxuw', 'u16', Math.max],
  ['0F38 3F', 'pmaxud', 'u32', Math.max],
  ['0F38 40', 'pmulld', 'i32', Math.imul],
];

function laneRows(table: readonly Lane[], feature: string): Row[] {
  return table.flatMap(([encoding, name, type, f]) =>
    pair(`66.${encoding}`, name, 'Vx Hx Wx', lanes(type, f), { feature, vexFeature: 'avx2' }),
  );
}

/** Products of the even 32-bit lanes. */
const evenProducts = (type: 'u32' | 'i32') => (x: Execution) => {
  x.load(1, x.a);
  x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / 8; i++) {
    x.out.u64[i] = BigInt.asUintN(64, BigInt(x.a[type][i * 2]!) * BigInt(x.b[type][i * 2]!));
  }
  x.store(0, x.out);
};

const pmaddwd = halves((a, b, out, at) => {
  for (let i = at / 4; i < at / 4 + 4; i++) {
    out.i32[i] = a.i16[2 * i]! * b.i16[2 * i]! + a.i16[2 * i + 1]! * b.i16[2 * i + 1]!;
  }
});

const pmaddubsw = halves((a, b, out, at) => {
  for (let i = at / 2; i < at / 2 + 8; i++) {
    out.i16[i] = s16(a.u8[2 * i]! * b.i8[2 * i]! + a.u8[2 * i + 1]! * b.i8[2 * i + 1]!);
  }
});

/** Sums of absolute differences, 8 bytes at a time. */
const psadbw = halves((a, b, out, at) => {
  for (let i = at; i < at + 16; i += 8) {
    let sum = 0;
    for (let j = i; j < i + 8; j++) sum += Math.abs(a.u8[j]! - b.u8[j]!);
    out.u64[i / 8] = BigInt(sum);
  }
});

/** PHADD and PHSUB: neighbours within each source, first source's results first. */
function horizontal(type: 'i16' | 'i32', f: (a: number, b: number) => number): (x: Execution) => void {
  return halves((a, b, out, at) => {
    const size = out[type].BYTES_PER_ELEMENT;
    const [start, count] = [at / size, 8 / size];
    for (let i = 0; i < count; i++) {
      out[type][start + i] = f(a[type][start + 2 * i]!, a[type][start + 2 * i + 1]!);
      out[type][start + count + i] = f(b[type][start + 2 * i]!, b[type][start + 2 * i + 1]!);
    }
  });
}

const ssse3 = (encoding: string, name: string, run: (x: Execution) => void) =>
  pair(`66.${encoding}`, name, 'Vx Hx Wx', run, { feature: 'ssse3', vexFeature: 'avx2' });
const sse2 = (encoding: string, name: string, run: (x: Execution) => void) =>
  pair(`66.${encoding}`, name, 'Vx Hx Wx', run, { vexFeature: 'avx2' });
const absolute = (encoding: string, name: string, type: 'i8' | 'i16' | 'i32') =>
  pair(`66.${encoding}`, name, 'Vx Wx', unary(type, Math.abs), { feature: 'ssse3', vexFeature: 'avx2' });

/** Every lane operation of SSE2 to SSE4.1, for the EVEX forms. */
export const LANES: readonly Lane[] = [...SSE2, ...SSSE3, ...SSE41];
export const WIDE_LANES: readonly (readonly [encoding: string, name: string, f: (a: bigint, b: bigint) => bigint])[] = [
  ['0F D4', 'paddq', (a, b) => BigInt.asUintN(64, a + b)],
  ['0F FB', 'psubq', (a, b) => BigInt.asUintN(64, a - b)],
];

export const rows: readonly Row[] = [
  ...laneRows(SSE2, 'sse2'),
  ...laneRows(SSSE3, 'ssse3'),
  ...laneRows(SSE41, 'sse4_1'),
  ...sse2(
    '0F D4',
    'paddq',
    wideLanes('u64', (a, b) => BigInt.asUintN(64, a + b)),
  ),
  ...sse2(
    '0F FB',
    'psubq',
    wideLanes('u64', (a, b) => BigInt.asUintN(64, a - b)),
  ),
  ...pair(
    '66.0F38 29',
    'pcmpeqq',
    'Vx Hx Wx',
    wideLanes('i64', (a, b) => (a === b ? -1n : 0n)),
    {
      feature: 'sse4_1',
      vexFeature: 'avx2',
    },
  ),
  ...pair(
    '66.0F38 37',
    'pcmpgtq',
    'Vx Hx Wx',
    wideLanes('i64', (a, b) => (a > b ? -1n : 0n)),
    {
      feature: 'sse4_2',
      vexFeature: 'avx2',
    },
  ),
  ...sse2('0F F4', 'pmuludq', evenProducts('u32')),
  ...pair('66.0F38 28', 'pmuldq', 'Vx Hx Wx', evenProducts('i32'), { feature: 'sse4_1', vexFeature: 'avx2' }),
  ...sse2('0F F5', 'pmaddwd', pmaddwd),
  ...sse2('0F F6', 'psadbw', psadbw),
  ...ssse3('0F38 04', 'pmaddubsw', pmaddubsw),
  ...ssse3(
    '0F38 01',
    'phaddw',
    horizontal('i16', (a, b) => a + b),
  ),
  ...ssse3(
    '0F38 02',
    'phaddd',
    horizontal('i32', (a, b) => a + b),
  ),
  ...ssse3(
    '0F38 03',
    'phaddsw',
    horizontal('i16', (a, b) => s16(a + b)),
  ),
  ...ssse3(
    '0F38 05',
    'phsubw',
    horizontal('i16', (a, b) => a - b),
  ),
  ...ssse3(
    '0F38 06',
    'phsubd',
    horizontal('i32', (a, b) => a - b),
  ),
  ...ssse3(
    '0F38 07',
    'phsubsw',
    horizontal('i16', (a, b) => s16(a - b)),
  ),
  ...absolute('0F38 1C', 'pabsb', 'i8'),
  ...absolute('0F38 1D', 'pabsw', 'i16'),
  ...absolute('0F38 1E', 'pabsd', 'i32'),
];
