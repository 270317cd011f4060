/** Shuffles within 16 bytes: unpack, pack, shuffle, align, blend, insert and extract, widen, test. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { OSZAPC } from './flags.ts';
import { type Row, row } from './row.ts';
import type { NumberLane } from './vec.ts';
import { halves, pair } from './vector-rows.ts';

/** Interleaves the low (0) or high (8) 8 bytes of both sources, `size` bytes at a time. */
const unpack = (size: number, from: 0 | 8) =>
  halves((a, b, out, at) => {
    for (let i = 0; i < 8; i += size) {
      for (let j = 0; j < size; j++) {
        out.u8[at + 2 * i + j] = a.u8[at + from + i + j]!;
        out.u8[at + 2 * i + size + j] = b.u8[at + from + i + j]!;
      }
    }
  });

/** Narrows lanes with saturation: the first source to the low 8 bytes, the second to the high ones. */
function pack(from: 'i16' | 'i32', to: NumberLane, low: number, high: number): (x: Execution) => void {
  return halves((a, b, out, at) => {
    const size = a[from].BYTES_PER_ELEMENT;
    const [start, count] = [at / size, 16 / size];
    for (let i = 0; i < count; i++) {
      out[to][2 * start + i] = Math.min(Math.max(a[from][start + i]!, low), high);
      out[to][2 * start + count + i] = Math.min(Math.max(b[from][start + i]!, low), high);
    }
  });
}

const pshufb = halves((a, b, out, at) => {
  for (let i = at; i < at + 16; i++) out.u8[i] = b.u8[i]! & 0x80 ? 0 : a.u8[at + (b.u8[i]! & 15)]!;
});

const pshufd = (x: Execution): void => {
  x.load(1, x.a);
  const order = x.byte(2);
  for (let i = 0; i < x.form.vectorSize / 4; i++) x.out.u32[i] = x.a.u32[(i & ~3) + ((order >> (2 * (i & 3))) & 3)]!;
  x.store(0, x.out);
};

/** PSHUFLW (0) and PSHUFHW (4): four words of each 16 bytes; the other four stay. */
const shuffleWords = (from: 0 | 4) => (x: Execution) => {
  x.out.copy(x.load(1, x.a));
  const order = x.byte(2);
  for (let at = from; at < x.form.vectorSize / 2; at += 8) {
    for (let i = 0; i < 4; i++) x.out.u16[at + i] = x.a.u16[at + ((order >> (2 * i)) & 3)]!;
  }
  x.store(0, x.out);
};

const shufps = halves((a, b, out, at, x) => {
  const order = x.byte(3);
  const start = at / 4;
  for (let i = 0; i < 4; i++) out.u32[start + i] = (i < 2 ? a : b).u32[start + ((order >> (2 * i)) & 3)]!;
});

const shufpd = halves((a, b, out, at, x) => {
  const order = x.byte(3) >> (at / 8);
  const start = at / 8;
  out.u64[start] = a.u64[start + (order & 1)]!;
  out.u64[start + 1] = b.u64[start + ((order >> 1) & 1)]!;
});

const palignr = halves((a, b, out, at, x) => {
  const by = x.byte(3);
  for (let i = 0; i < 16; i++) {
    const from = i + by;
    out.u8[at + i] = from < 16 ? b.u8[at + from]! : from < 32 ? a.u8[at + from - 16]! : 0;
  }
});

/** Takes lanes of `size` bytes from the second source where `chosen`. */
const blend = (size: number, chosen: (x: Execution, lane: number) => boolean) => (x: Execution) => {
  x.out.copy(x.load(1, x.a));
  x.load(2, x.b);
  for (let i = 0; i < x.form.vectorSize / size; i++) {
    if (chosen(x, i)) x.out.u8.set(x.b.u8.subarray(i * size, (i + 1) * size), i * size);
  }
  x.store(0, x.out);
};
const byImmediate = (lanes: number) => (x: Execution, lane: number) => ((x.byte(3) >> (lane % lanes)) & 1) === 1;
/** By the sign bits of a mask register, which the row names last. */
const byMask = (size: number) => {
  const run = blend(size, (x, lane) => (x.c.u8[lane * size + size - 1]! & 0x80) !== 0);
  return (x: Execution) => {
    x.load(3, x.c);
    run(x);
  };
};

const insert = (type: 'u8' | 'u16' | 'u32') => (x: Execution) => {
  const value = Number(x.get(2) & 0xffff_ffffn);
  x.load(1, x.a);
  x.a[type][x.byte(3) & (16 / x.a[type].BYTES_PER_ELEMENT - 1)] = value;
  x.store(0, x.a);
};
const insertDoubleOrQuad = (x: Execution): void => {
  if (!x.form.w) {
    insert('u32')(x);
    return;
  }
  const value = x.get(2);
  x.load(1, x.a).u64[x.byte(3) & 1] = value;
  x.store(0, x.a);
};

const extract = (type: 'u8' | 'u16' | 'u32') => (x: Execution) => {
  const from = x.load(1, x.a)[type];
  x.set(0, BigInt(from[x.byte(2) & (16 / from.BYTES_PER_ELEMENT - 1)]!));
};
const extractDoubleOrQuad = (x: Execution): void => {
  if (x.form.w) x.set(0, x.load(1, x.a).u64[x.byte(2) & 1]!);
  else extract('u32')(x);
};

/** INSERTPS: one single from the second source (immediate 7:6) to a place (5:4), then zeroes (3:0). */
const insertps = (x: Execution): void => {
  const control = x.byte(3);
  x.load(2, x.b);
  const value = x.b.u32[x.isMemory(2) ? 0 : control >> 6]!;
  x.load(1, x.a).u32[(control >> 4) & 3] = value;
  for (let i = 0; i < 4; i++) if ((control >> i) & 1) x.a.u32[i] = 0;
  x.store(0, x.a);
};

/** PMOVSX and PMOVZX. */
const widen = (from: NumberLane, to: 'i16' | 'i32' | 'i64') => (x: Execution) => {
  const source = x.load(1, x.a)[from];
  const count = x.form.vectorSize / x.out[to].BYTES_PER_ELEMENT;
  for (let i = 0; i < count; i++) {
    if (to === 'i64') x.out.i64[i] = BigInt(source[i]!);
    else x.out[to][i] = source[i]!;
  }
  x.store(0, x.out);
};

const ptest = (x: Execution): void => {
  x.load(0, x.a);
  x.load(1, x.b);
  let [both, onlySecond] = [false, false];
  for (let i = 0; i < x.form.vectorSize / 4; i++) {
    if (x.a.u32[i]! & x.b.u32[i]!) both = true;
    if (~x.a.u32[i]! & x.b.u32[i]!) onlySecond = true;
  }
  x.setFlags(OSZAPC, (both ? 0 : FLAG.ZF) | (onlySecond ? 0 : FLAG.CF));
};

type Run = (x: Execution) => void;
const AVX2 = { vexFeature: 'avx2' } as const;
const SSE41 = { feature: 'sse4_1', vexFeature: 'avx2' } as const;
const SSE41_LOW = { feature: 'sse4_1', l: 0 } as const;
const plain = (opcode: string, name: string, run: Run) => pair(`66.0F ${opcode}`, name, 'Vx Hx Wx', run, AVX2);

function widenRows(opcode: string, name: string, from: NumberLane, to: 'i16' | 'i32' | 'i64', ratio: number): Row[] {
  const letters: Readonly<Record<number, string>> = { 2: 'q', 4: 'd', 8: 'w' };
  const wide: Readonly<Record<number, string>> = { 2: 'dq', 4: 'q', 8: 'd' };
  const run = widen(from, to);
  const memory = letters[ratio]!;
  return [
    row(`66.0F38 ${opcode}`, name, `Vdq W${memory}`, run, { feature: 'sse4_1' }),
    row(`66.0F38 ${opcode}`, `v${name}`, `Vdq W${memory}`, run, { vex: true, l: 0, feature: 'avx' }),
    row(`66.0F38 ${opcode}`, `v${name}`, `Vqq W${wide[ratio]!}`, run, { vex: true, l: 1, feature: 'avx2' }),
  ];
}

/** Blends by a mask: XMM0 in the SSE form, a register in the immediate byte in the VEX form. */
function maskBlend(sse: string, vex: string, name: string, size: number, feature: string): Row[] {
  return [
    row(`66.0F38 ${sse}`, name, 'Vdq Hdq Wdq XMM0', byMask(size), { feature: 'sse4_1' }),
    row(`66.0F3A ${vex}`, `v${name}`, 'Vx Hx Wx Lx', byMask(size), { vex: true, w: 0, feature }),
  ];
}

export const rows: readonly Row[] = [
  ...plain('60', 'punpcklbw', unpack(1, 0)),
  ...plain('61', 'punpcklwd', unpack(2, 0)),
  ...plain('62', 'punpckldq', unpack(4, 0)),
  ...plain('6C', 'punpcklqdq', unpack(8, 0)),
  ...plain('68', 'punpckhbw', unpack(1, 8)),
  ...plain('69', 'punpckhwd', unpack(2, 8)),
  ...plain('6A', 'punpckhdq', unpack(4, 8)),
  ...plain('6D', 'punpckhqdq', unpack(8, 8)),
  ...pair('NP.0F 14', 'unpcklps', 'Vx Hx Wx', unpack(4, 0)),
  ...pair('66.0F 14', 'unpcklpd', 'Vx Hx Wx', unpack(8, 0)),
  ...pair('NP.0F 15', 'unpckhps', 'Vx Hx Wx', unpack(4, 8)),
  ...pair('66.0F 15', 'unpckhpd', 'Vx Hx Wx', unpack(8, 8)),
  ...plain('63', 'packsswb', pack('i16', 'i8', -128, 127)),
  ...plain('67', 'packuswb', pack('i16', 'u8', 0, 255)),
  ...plain('6B', 'packssdw', pack('i32', 'i16', -32_768, 32_767)),
  ...pair('66.0F38 2B', 'packusdw', 'Vx Hx Wx', pack('i32', 'u16', 0, 65_535), SSE41),
  ...pair('66.0F38 00', 'pshufb', 'Vx Hx Wx', pshufb, { feature: 'ssse3', vexFeature: 'avx2' }),
  ...pair('66.0F 70', 'pshufd', 'Vx Wx Ib', pshufd, AVX2),
  ...pair('F2.0F 70', 'pshuflw', 'Vx Wx Ib', shuffleWords(0), AVX2),
  ...pair('F3.0F 70', 'pshufhw', 'Vx Wx Ib', shuffleWords(4), AVX2),
  ...pair('NP.0F C6', 'shufps', 'Vx Hx Wx Ib', shufps),
  ...pair('66.0F C6', 'shufpd', 'Vx Hx Wx Ib', shufpd),
  ...pair('66.0F3A 0F', 'palignr', 'Vx Hx Wx Ib', palignr, { feature: 'ssse3', vexFeature: 'avx2' }),
  ...pair('66.0F3A 0C', 'blendps', 'Vx Hx Wx Ib', blend(4, byImmediate(8)), { feature: 'sse4_1' }),
  ...pair('66.0F3A 0D', 'blendpd', 'Vx Hx Wx Ib', blend(8, byImmediate(8)), { feature: 'sse4_1' }),
  ...pair('66.0F3A 0E', 'pblendw', 'Vx Hx Wx Ib', blend(2, byImmediate(8)), SSE41),
  ...maskBlend('10', '4C', 'pblendvb', 1, 'avx2'),
  ...maskBlend('14', '4A', 'blendvps', 4, 'avx'),
  ...maskBlend('15', '4B', 'blendvpd', 8, 'avx'),
  ...pair('66.0F C4', 'pinsrw', 'Vdq Hdq Ed Ib', insert('u16'), { l: 0 }).map(narrowMemory),
  ...pair('66.0F3A 20', 'pinsrb', 'Vdq Hdq Ed Ib', insert('u8'), SSE41_LOW).map(narrowMemory),
  ...pair('66.0F3A 22', 'pinsrd', 'Vdq Hdq Ey Ib', insertDoubleOrQuad, {
    ...SSE41_LOW,
    manual: 'PINSRB/PINSRD/PINSRQ',
  }),
  ...pair('66.0F C5', 'pextrw', 'Gd Udq Ib', extract('u16'), { l: 0 }),
  ...pair('66.0F3A 14', 'pextrb', 'Ed Vdq Ib', extract('u8'), SSE41_LOW).map(narrowMemory),
  ...pair('66.0F3A 15', 'pextrw', 'Ed Vdq Ib', extract('u16'), SSE41_LOW).map(narrowMemory),
  ...pair('66.0F3A 16', 'pextrd', 'Ey Vdq Ib', extractDoubleOrQuad, { ...SSE41_LOW, manual: 'PEXTRB/PEXTRD/PEXTRQ' }),
  ...pair('66.0F3A 17', 'extractps', 'Ed Vdq Ib', extract('u32'), SSE41_LOW),
  ...pair('66.0F3A 21', 'insertps', 'Vdq Hdq Wd Ib', insertps, SSE41_LOW),
  ...widenRows('20', 'pmovsxbw', 'i8', 'i16', 2),
  ...widenRows('21', 'pmovsxbd', 'i8', 'i32', 4),
  ...widenRows('22', 'pmovsxbq', 'i8', 'i64', 8),
  ...widenRows('23', 'pmovsxwd', 'i16', 'i32', 2),
  ...widenRows('24', 'pmovsxwq', 'i16', 'i64', 4),
  ...widenRows('25', 'pmovsxdq', 'i32', 'i64', 2),
  ...widenRows('30', 'pmovzxbw', 'u8', 'i16', 2),
  ...widenRows('31', 'pmovzxbd', 'u8', 'i32', 4),
  ...widenRows('32', 'pmovzxbq', 'u8', 'i64', 8),
  ...widenRows('33', 'pmovzxwd', 'u16', 'i32', 2),
  ...widenRows('34', 'pmovzxwq', 'u16', 'i64', 4),
  ...widenRows('35', 'pmovzxdq', 'u32', 'i64', 2),
  ...pair('66.0F38 17', 'ptest', 'Vx Wx', ptest, { feature: 'sse4_1', flags: 'OSZAPC' }),
];

/** Inserts and extracts of bytes and words name a 32-bit register but a memory operand of their own size. */
function narrowMemory(wide: Row): Row {
  const size = wide.name.endsWith('b') ? 1 : 2;
  const operands = wide.operands.map(spec => (spec.kind === 'E' ? { ...spec, memorySize: size } : spec));
  return { ...wide, operands };
}
