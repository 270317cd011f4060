/**
 * AVX-512 as far as glibc's string functions and Linux use it: moves, packed integers, compares into masks, broadcasts, ternary logic, rotates.
 * Most rows only give an AVX2 function a third encoding: masks, zeroing and broadcasts are the operands' business.
 */
import { BYTES, make, type Run } from './evex-rows.ts';
import type { Row, RowOptions } from './row.ts';
import { LANES, WIDE_LANES } from './vector-integer.ts';
import { lanes, wideLanes } from './vector-rows.ts';

const move: Run = x => x.store(0, x.load(1, x.a));

/** A whole-register move in both directions. */
const moves = (
  prefix: string,
  load: string,
  store: string,
  name: string,
  size: 'u' | 'a',
  element: number,
  w: 0 | 1,
): Row[] => [
  make(`${prefix}.0F ${load}`, name, `Vx W${size}`, move, element, { w }),
  make(`${prefix}.0F ${store}`, name, `W${size} Vx`, move, element, { w }),
];

/** The AVX2 lane operations that have an EVEX form; logic and compares are apart. */
const ARITHMETIC = /^p(add|sub|min|max|mul|avg)/;
const fromLanes: readonly Row[] = LANES.filter(([, name]) => ARITHMETIC.test(name)).map(([encoding, name, type, f]) => {
  const element = BYTES[{ u8: 'b', i8: 'b', u16: 'w', i16: 'w', u32: 'd', i32: 'd' }[type]]!;
  const options: RowOptions = element === 4 ? { w: 0, broadcast: true } : { feature: 'avx512bw' };
  return make(`66.${encoding}`, `v${name}`, 'Vx Hx Wu', lanes(type, f), element, options);
});
const fromWide: readonly Row[] = WIDE_LANES.map(([encoding, name, f]) =>
  make(`66.${encoding}`, `v${name}`, 'Vx Hx Wu', wideLanes('u64', f), 8, { w: 1, broadcast: true }),
);

const LOGIC: readonly (readonly [string, string, (a: number, b: number) => number])[] = [
  ['DB', 'vpand', (a, b) => a & b],
  ['DF', 'vpandn', (a, b) => ~a & b],
  ['EB', 'vpor', (a, b) => a | b],
  ['EF', 'vpxor', (a, b) => a ^ b],
];
const logic: readonly Row[] = LOGIC.flatMap(([opcode, name, f]) => [
  make(`66.0F ${opcode}`, `${name}d`, 'Vx Hx Wu', lanes('u32', f), 4, { w: 0, broadcast: true }),
  make(`66.0F ${opcode}`, `${name}q`, 'Vx Hx Wu', lanes('u32', f), 8, { w: 1, broadcast: true }),
]);

/** Fills the destination with the first `size` bytes of the source, a vector, memory or a general register. */
const spread = (size: number): Run => {
  return x => {
    x.load(1, x.b);
    for (let at = 0; at < x.form.vectorSize; at += size) x.out.u8.set(x.b.u8.subarray(0, size), at);
    x.store(0, x.out);
  };
};

/** VPTERNLOG: each bit looks its result up in the immediate by the three source bits. */
const ternary: Run = x => {
  x.load(1, x.a);
  x.load(2, x.b);
  x.load(0, x.c);
  const table = x.byte(3);
  for (let i = 0; i < x.form.vectorSize / 4; i++) {
    const [a, b, c] = [x.c.u32[i]!, x.a.u32[i]!, x.b.u32[i]!];
    let result = 0;
    for (let row = 0; row < 8; row++) {
      if (!((table >> row) & 1)) continue;
      result |= (row & 4 ? a : ~a) & (row & 2 ? b : ~b) & (row & 1 ? c : ~c);
    }
    x.out.u32[i] = result;
  }
  x.store(0, x.out);
};

/** VPROR and VPROL by an immediate, of 32 or 64 bits. */
const rotate = (element: 4 | 8, left: boolean): Run => {
  return x => {
    x.load(1, x.a);
    const bits = element * 8;
    const count = x.byte(2) & (bits - 1);
    const by = left ? count : (bits - count) & (bits - 1);
    for (let i = 0; i < x.form.vectorSize / element; i++) {
      if (element === 8) x.out.u64[i] = (x.a.u64[i]! << BigInt(by)) | (x.a.u64[i]! >> BigInt(64 - by));
      else x.out.u32[i] = by === 0 ? x.a.u32[i]! : (x.a.u32[i]! << by) | (x.a.u32[i]! >>> (32 - by));
    }
    x.store(0, x.out);
  };
};

/** VPERMI2D and VPERMI2Q: any lane of two sources, the indices in the destination. */
const permuteTwo = (element: 4 | 8): Run => {
  return x => {
    x.load(0, x.c);
    x.load(1, x.a);
    // Any lane may be asked for, so a mask spares none from being read.
    x.load(2, x.b, true);
    const count = x.form.vectorSize / element;
    for (let i = 0; i < count; i++) {
      const index = x.c.u8[i * element]! & (2 * count - 1);
      const from = (index < count ? x.a : x.b).u8;
      const at = (index % count) * element;
      x.out.u8.set(from.subarray(at, at + element), i * element);
    }
    x.store(0, x.out);
  };
};

/** MOVD and MOVQ, whose vector may be one of the upper sixteen. */
const fromGeneral: Run = x => {
  x.out.clear().u64[0] = x.get(1);
  x.store(0, x.out);
};
const quad: Run = x => {
  x.out.clear().u64[0] = x.load(1, x.a).u64[0]!;
  x.store(0, x.out);
};
const toGeneral: Run = x => x.set(0, x.load(1, x.a).u64[0]!);

const BW = { feature: 'avx512bw' } as const;
const scalar = { l: 0 } as const;

export const rows: readonly Row[] = [
  ...moves('F2', '6F', '7F', 'vmovdqu8', 'u', 1, 0),
  ...moves('F2', '6F', '7F', 'vmovdqu16', 'u', 2, 1),
  ...moves('F3', '6F', '7F', 'vmovdqu32', 'u', 4, 0),
  ...moves('F3', '6F', '7F', 'vmovdqu64', 'u', 8, 1),
  ...moves('66', '6F', '7F', 'vmovdqa32', 'a', 4, 0),
  ...moves('66', '6F', '7F', 'vmovdqa64', 'a', 8, 1),
  ...moves('NP', '10', '11', 'vmovups', 'u', 4, 0),
  ...moves('66', '10', '11', 'vmovupd', 'u', 8, 1),
  ...moves('NP', '28', '29', 'vmovaps', 'a', 4, 0),
  ...moves('66', '28', '29', 'vmovapd', 'a', 8, 1),
  make('66.0F E7', 'vmovntdq', 'Ma Vx', move, 0, { w: 0 }),
  make('66.0F 6E', 'vmovd', 'Vdq Ey', fromGeneral, 0, scalar),
  make('66.0F 7E', 'vmovd', 'Ey Vdq', toGeneral, 0, scalar),
  make('F3.0F 7E', 'vmovq', 'Vdq Wq', quad, 0, { ...scalar, w: 1 }),
  make('66.0F D6', 'vmovq', 'Wq Vdq', quad, 0, { ...scalar, w: 1 }),
  ...fromLanes,
  ...fromWide,
  ...logic,
  make('66.0F3A 25', 'vpternlogd', 'Vx Hx Wu Ib', ternary, 4, { w: 0, broadcast: true }),
  make('66.0F3A 25', 'vpternlogq', 'Vx Hx Wu Ib', ternary, 8, { w: 1, broadcast: true }),
  make('66.0F38 78', 'vpbroadcastb', 'Vx Wb', spread(1), 1, { ...BW, w: 0 }),
  make('66.0F38 79', 'vpbroadcastw', 'Vx Ww', spread(2), 2, { ...BW, w: 0 }),
  make('66.0F38 58', 'vpbroadcastd', 'Vx Wd', spread(4), 4, { w: 0 }),
  make('66.0F38 59', 'vpbroadcastq', 'Vx Wq', spread(8), 8, { w: 1 }),
  make('66.0F38 7A', 'vpbroadcastb', 'Vx Rd', spread(1), 1, { ...BW, w: 0 }),
  make('66.0F38 7B', 'vpbroadcastw', 'Vx Rd', spread(2), 2, { ...BW, w: 0 }),
  make('66.0F38 7C', 'vpbroadcastd', 'Vx Rd', spread(4), 4, { w: 0 }),
  make('66.0F38 7C', 'vpbroadcastq', 'Vx Rq', spread(8), 8, { w: 1 }),
  make('66.0F38 18', 'vbroadcastss', 'Vx Wd', spread(4), 4, { w: 0 }),
  make('66.0F 72 /0', 'vprord', 'Hx Wu Ib', rotate(4, false), 4, { w: 0, broadcast: true }),
  make('66.0F 72 /0', 'vprorq', 'Hx Wu Ib', rotate(8, false), 8, { w: 1, broadcast: true }),
  make('66.0F 72 /1', 'vprold', 'Hx Wu Ib', rotate(4, true), 4, { w: 0, broadcast: true }),
  make('66.0F 72 /1', 'vprolq', 'Hx Wu Ib', rotate(8, true), 8, { w: 1, broadcast: true }),
  make('66.0F38 76', 'vpermi2d', 'Vx Hx Wu', permuteTwo(4), 4, { w: 0, broadcast: true }),
  make('66.0F38 76', 'vpermi2q', 'Vx Hx Wu', permuteTwo(8), 8, { w: 1, broadcast: true }),
];
