/** Carry-less multiplication and rounds of AES (FIPS 197), which kernels use for checksums and disk encryption. */
import type { Execution } from './execution.ts';
import { type Row, row } from './row.ts';
import { halves, pair } from './vector-rows.ts';

type Run = (x: Execution) => void;

/** The product of two polynomials over GF(2), 128 bits. */
function carryless(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let rest = b, shifted = a; rest !== 0n; rest >>= 1n, shifted <<= 1n) if (rest & 1n) product ^= shifted;
  return product;
}

/** Bits 0 and 4 of the immediate choose the halves that are multiplied. */
const pclmulqdq = halves((a, b, out, at, x) => {
  const [start, which] = [at / 8, x.byte(3)];
  const product = carryless(a.u64[start + (which & 1)]!, b.u64[start + ((which >> 4) & 1)]!);
  out.u64[start] = product;
  out.u64[start + 1] = product >> 64n;
});

/** Times x in AES's field, modulo x^8 + x^4 + x^3 + x + 1. */
const double = (value: number): number => ((value << 1) ^ (value & 0x80 ? 0x11b : 0)) & 0xff;

function times(a: number, b: number): number {
  let product = 0;
  for (let shifted = a, rest = b; rest !== 0; rest >>= 1, shifted = double(shifted)) if (rest & 1) product ^= shifted;
  return product;
}

/** The substitution of bytes: the inverse in the field, then an affine map (FIPS 197, 5.1.1); and its inverse. */
const SUBSTITUTE = new Uint8Array(256);
const SUBSTITUTE_BACK = new Uint8Array(256);
const substitute = (value: number, inverse: number) => {
  let mapped = 0x63;
  for (let i = 0; i < 5; i++) mapped ^= (inverse << i) | (inverse >> (8 - i));
  SUBSTITUTE[value] = mapped;
  SUBSTITUTE_BACK[mapped & 0xff] = value;
};
substitute(0, 0);
/** 0xf6 is a third: as powers of 3 go through all elements but 0, these go through their inverses. */
for (let i = 0, power = 1, inverse = 1; i < 255; i++, power = times(power, 3), inverse = times(inverse, 0xf6)) {
  substitute(power, inverse);
}

const FORTH = [2, 3, 1, 1].map(factor => Uint8Array.from({ length: 256 }, (_, value) => times(value, factor)));
const BACK = [14, 11, 13, 9].map(factor => Uint8Array.from({ length: 256 }, (_, value) => times(value, factor)));

/** MixColumns or its inverse, on 16 bytes. */
function mixColumns(bytes: Uint8Array, factors: readonly Uint8Array[]): void {
  for (let column = 0; column < 16; column += 4) {
    const [a, b, c, d] = bytes.subarray(column, column + 4);
    const old = [a!, b!, c!, d!];
    for (let i = 0; i < 4; i++) {
      bytes[column + i] = old.reduce((sum, value, j) => sum ^ factors[(j - i + 4) & 3]![value]!, 0);
    }
  }
}

/** One round on each 16 bytes: rows shifted by `step` columns each, bytes substituted, columns mixed unless last, the key added. */
const aesRound = (table: Uint8Array, step: 1 | 3, factors?: readonly Uint8Array[]) =>
  halves((a, b, out, at) => {
    for (let i = 0; i < 16; i++) out.u8[at + i] = table[a.u8[at + ((i + 4 * step * (i & 3)) & 15)]!]!;
    if (factors) mixColumns(out.u8.subarray(at, at + 16), factors);
    for (let i = at; i < at + 16; i++) out.u8[i]! ^= b.u8[i]!;
  });

const aesimc: Run = x => {
  mixColumns(x.load(1, x.a).u8.subarray(0, 16), BACK);
  x.store(0, x.a);
};

/** Substituted words 1 and 3, as they are and rotated by a byte with the round constant. */
const aeskeygenassist: Run = x => {
  const { u8 } = x.load(1, x.a);
  for (const word of [4, 12]) {
    const out = x.out.u8.subarray(word - 4, word + 4);
    for (let i = 0; i < 4; i++) {
      out[i] = SUBSTITUTE[u8[word + i]!]!;
      out[4 + i] = SUBSTITUTE[u8[word + ((i + 1) & 3)]!]!;
    }
    out[4]! ^= x.byte(2);
  }
  x.store(0, x.out);
};

/** SSE, AVX and, of 32 bytes, a feature of its own. */
function trio(encoding: string, name: string, operands: string, run: Run, feature: string, wideFeature: string): Row[] {
  const wide = { manual: name.toUpperCase(), vex: true, l: 1, feature: wideFeature } as const;
  return [
    ...pair(encoding, name, operands, run, { feature, l: 0, vexFeature: feature }),
    row(encoding, `v${name}`, operands, run, wide),
  ];
}
const round = (opcode: string, name: string, run: Run) =>
  trio(`66.0F38 ${opcode}`, name, 'Vx Hx Wx', run, 'aes', 'vaes');
const AES = { feature: 'aes', l: 0, vexFeature: 'aes' } as const;

export const rows: readonly Row[] = [
  ...trio('66.0F3A 44', 'pclmulqdq', 'Vx Hx Wx Ib', pclmulqdq, 'pclmulqdq', 'vpclmulqdq'),
  ...round('DC', 'aesenc', aesRound(SUBSTITUTE, 1, FORTH)),
  ...round('DD', 'aesenclast', aesRound(SUBSTITUTE, 1)),
  ...round('DE', 'aesdec', aesRound(SUBSTITUTE_BACK, 3, BACK)),
  ...round('DF', 'aesdeclast', aesRound(SUBSTITUTE_BACK, 3)),
  ...pair('66.0F38 DB', 'aesimc', 'Vdq Wdq', aesimc, AES),
  ...pair('66.0F3A DF', 'aeskeygenassist', 'Vdq Wdq Ib', aeskeygenassist, AES),
];
