/** Random encodings of a table row, and random states to run them in: the tests are made from the same rows as the decoder. */
import type { OperandSpec, RowShape } from '../../src/x86/emulate/row-shape.ts';

export type Random = () => number;

/** A random instruction and what its memory operand needs. */
export interface Sample {
  readonly bytes: Uint8Array;
  /** Register numbers of the memory operand (-1 none, 16 RIP), its scale and displacement; undefined without one. */
  readonly memory:
    | { readonly base: number; readonly index: number; readonly scale: number; readonly displacement: number }
    | undefined;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random() % items.length]!;

function immediateSize(spec: OperandSpec, operandSize: number): number {
  if (spec.size === 'v') return operandSize;
  if (spec.size === 'z') return operandSize === 2 ? 2 : 4;
  return spec.size as number;
}

/** General registers that an operand may name: all but RSP, which the stub's stack is on. */
const GENERAL = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const BASES = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

interface Fields {
  readonly reg: number;
  readonly rm: number;
  readonly mod: number;
  readonly index: number;
  readonly scale: number;
  readonly displacement: number;
}

/** ModRM, SIB and displacement bytes. */
function addressBytes(f: Fields): number[] {
  const reg = (f.reg & 7) << 3;
  if (f.mod === 3) return [0xc0 | reg | (f.rm & 7)];
  const wide = [0, 8, 16, 24].map(shift => (f.displacement >> shift) & 0xff);
  if (f.rm === 16) return [reg | 5, ...wide];
  const sib = f.index >= 0 || (f.rm & 7) === 4;
  const tail = f.mod === 1 ? [f.displacement & 0xff] : f.mod === 2 ? wide : [];
  if (!sib) return [(f.mod << 6) | reg | (f.rm & 7), ...tail];
  const index = f.index >= 0 ? f.index & 7 : 4;
  return [(f.mod << 6) | reg | 4, (Math.log2(f.scale) << 6) | (index << 3) | (f.rm & 7), ...tail];
}

/** A random 64-bit encoding of `row`, with memory for its r/m operand if `memory`; undefined where the row has no such form. */
export function sample(row: RowShape, random: Random, memory: boolean): Sample | undefined {
  const kinds = row.operands.map(operand => operand.kind);
  const has = (...wanted: string[]) => kinds.some(kind => wanted.includes(kind));
  if (memory ? !has('E', 'M', 'W') : has('M')) return undefined;
  const stack = has('T');
  const vectorReg = has('V');
  const anyRegister = () => random() % (row.evex ? 32 : 16);
  const opmask = has('K');
  const reg =
    row.digit >= 0
      ? row.digit
      : opmask
        ? random() % 8
        : vectorReg
          ? anyRegister()
          : has('S')
            ? random() % 6
            : pick(random, GENERAL);
  const vectorRm = has('W', 'U') && !memory;
  let rm =
    stack || (has('N') && !memory) ? random() % 8 : vectorRm ? anyRegister() : pick(random, memory ? BASES : GENERAL);
  if (row.fixedModrm >= 0) rm = row.fixedModrm & 7;
  let mod = memory ? random() % 3 : 3;
  if (memory && rm !== 16 && (rm & 7) === 5 && mod === 0) mod = 1;
  if (memory && rm === 16) mod = 0;
  let index = memory && rm !== 16 && random() % 2 ? pick(random, GENERAL) : -1;
  if (index === rm) index = -1;
  const scale = 1 << (random() % 4);
  const small = (random() % 256) - 128;
  const displacement = memory && rm === 16 ? 0 : mod === 1 ? small : mod === 2 ? small * 0x1000 + small : 0;
  const zRegister = has('Z') ? pick(random, GENERAL) : 0;
  const w = row.w ?? (random() % 2 ? 1 : 0);
  const l = row.l ?? random() % (row.evex ? 3 : 2);
  const fields = { reg, rm, mod, index, scale, displacement };
  const ext = {
    r: row.digit < 0 && (reg & 8) !== 0,
    x: index >= 8,
    b: has('Z') ? zRegister >= 8 : (memory ? rm < 16 && rm >= 8 : (rm & 8) !== 0) && row.fixedModrm < 0,
  };
  const modrm = row.fixedModrm >= 0 ? [row.fixedModrm] : row.modrm ? addressBytes(fields) : [];
  const small16 = !row.vex && row.prefix !== '66' && row.prefix !== 'NP' && random() % 4 === 0;
  const operandSize = w && !row.vex ? 8 : small16 ? 2 : row.wide ? 8 : 4;
  const immediates: number[] = [];
  for (const spec of row.operands) {
    if (!'IJL'.includes(spec.kind) || spec.kind.length > 1) continue;
    const size = spec.kind === 'L' ? 1 : immediateSize(spec, operandSize);
    for (let i = 0; i < size; i++) immediates.push(random() >>> 24);
  }
  const opcode = row.opcode | (zRegister & 7);
  const vvvv = has('H', 'B', 'Y') ? pick(random, vvvvChoices(row)) : 0;
  const high = { reg: vectorReg && reg > 15, rm: vectorRm && rm > 15 };
  const head = row.evex
    ? evexBytes(row, { ...ext, x: vectorRm ? rm > 15 : ext.x }, high.reg, w, l, vvvv, memory, random)
    : row.vex
      ? vexBytes(row, ext, w, l, vvvv)
      : legacyBytes();
  function legacyBytes(): number[] {
    const prefix = row.prefix === 'NP' || row.prefix === '' ? [] : [Number.parseInt(row.prefix, 16)];
    const legacy = small16 ? [0x66, ...prefix] : prefix;
    const rexBits = (w ? 8 : 0) | (ext.r ? 4 : 0) | (ext.x ? 2 : 0) | (ext.b ? 1 : 0);
    // A plain REX gives SPL to DIL instead of AH to BH; leave it out half the time.
    const rex = rexBits || random() % 2 ? [0x40 | rexBits] : [];
    const map = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]][row.map]!;
    return [...legacy, ...rex, ...map];
  }
  const bytes = Uint8Array.from([...head, opcode, ...modrm, ...immediates]);
  return { bytes, memory: memory ? { base: rm, index, scale, displacement } : undefined };
}

/** VEX.vvvv names a vector register (H) or a general one (B). */
function vvvvChoices(row: RowShape): readonly number[] {
  if (row.operands.some(({ kind }) => kind === 'B')) return GENERAL;
  const count = row.operands.some(({ kind }) => kind === 'Y') ? 8 : row.evex ? 32 : 16;
  return Array.from({ length: count }, (_, i) => i);
}

const PP = { '': 0, NP: 0, '66': 1, F3: 2, F2: 3 } as const;

function vexBytes(
  row: RowShape,
  ext: { r: boolean; x: boolean; b: boolean },
  w: number,
  l: number,
  vvvv: number,
): number[] {
  const low = ((~vvvv & 15) << 3) | (l << 2) | PP[row.prefix];
  if (row.map === 1 && !ext.x && !ext.b && !w) return [0xc5, (ext.r ? 0 : 0x80) | low];
  return [0xc4, (ext.r ? 0 : 0x80) | (ext.x ? 0 : 0x40) | (ext.b ? 0 : 0x20) | row.map, (w << 7) | low];
}

/** A mask now and then, zeroing where a register is the destination, a broadcast where the row allows one. */
function evexBytes(
  row: RowShape,
  ext: { r: boolean; x: boolean; b: boolean },
  highReg: boolean,
  w: number,
  l: number,
  vvvv: number,
  memory: boolean,
  random: Random,
): number[] {
  const mask = row.element > 0 && random() % 2 ? random() % 8 : 0;
  const destination = row.operands[0]!.kind;
  const mayZero = mask > 0 && destination !== 'K' && !(memory && destination === 'W');
  const z = mayZero && random() % 2 ? 0x80 : 0;
  const b = memory && row.broadcast && random() % 2 ? 0x10 : 0;
  const p0 = (ext.r ? 0 : 0x80) | (ext.x ? 0 : 0x40) | (ext.b ? 0 : 0x20) | (highReg ? 0 : 0x10) | row.map;
  const p1 = (w << 7) | ((~vvvv & 15) << 3) | 4 | PP[row.prefix];
  return [0x62, p0, p1, z | (l << 5) | b | (vvvv > 15 ? 0 : 8) | mask];
}

const SPECIAL_F32 = [
  0, 0x8000_0000, 1, 0x8000_0001, 0x7f_ffff, 0x80_0000, 0x3f80_0000, 0xbf80_0000, 0x7f7f_ffff, 0x7f80_0000, 0xff80_0000,
  0x7fc0_0000, 0x7f80_0001, 0xffa5_5a5a, 0x4f00_0000, 0xcf00_0000, 0x3f00_0000, 0x4020_0000, 0x3380_0000,
];
const SPECIAL_F64 = [
  0n,
  1n << 63n,
  1n,
  0xf_ffff_ffff_ffffn,
  0x10_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0xbff0_0000_0000_0000n,
  0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n,
  0xfff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0x7ff0_0000_0000_0001n,
  0x41e0_0000_0000_0000n,
  0xc1e0_0000_0000_0000n,
  0x43e0_0000_0000_0000n,
  0xc3e0_0000_0000_0000n,
  0x3fe0_0000_0000_0000n,
  0x4004_0000_0000_0000n,
  0x36a0_0000_0000_0000n,
  0x47ef_ffff_f000_0000n,
];

export function random64(random: Random): bigint {
  return (BigInt(random()) << 32n) | BigInt(random());
}

/** General register values: small numbers, edges, and anything. */
export function integer(random: Random): bigint {
  switch (random() % 8) {
    case 0:
      return BigInt(random() % 70);
    case 1:
      return BigInt.asUintN(64, -BigInt(random() % 70));
    case 2:
      return 1n << BigInt(random() % 64);
    case 3:
      return pick(random, [
        0n,
        0x7fn,
        0x80n,
        0xffn,
        0x7fffn,
        0x8000n,
        0x7fff_ffffn,
        0x8000_0000n,
        0xffff_ffffn,
        (1n << 63n) - 1n,
        1n << 63n,
      ]);
    case 4:
      return BigInt(random());
    default:
      return random64(random);
  }
}

/** Fills 32 bytes for a vector register or memory: anything, edges, floats of both sizes, repeated bytes. */
export function fillVector(random: Random, into: Uint8Array, at: number): void {
  const view = new DataView(into.buffer, into.byteOffset + at, 32);
  const style = random() % 8;
  for (let i = 0; i < 32; i += 8) {
    if (style < 2) view.setBigUint64(i, random64(random), true);
    else if (style === 2) view.setBigUint64(i, integer(random), true);
    else if (style === 3) view.setBigUint64(i, pick(random, SPECIAL_F64), true);
    else if (style === 4) {
      view.setUint32(i, pick(random, SPECIAL_F32), true);
      view.setUint32(i + 4, pick(random, SPECIAL_F32), true);
    } else if (style === 5) view.setBigUint64(i, BigInt((random() % 3) * 0x55) * 0x0101_0101_0101_0101n, true);
    else if (style === 6) {
      // Doubles of like magnitude, with few and with many digits.
      view.setFloat64(i, ((random() % 20_001) - 10_000) / pick(random, [1, 2, 8, 3, 1000]), true);
    } else {
      view.setFloat32(i, ((random() % 20_001) - 10_000) / pick(random, [1, 2, 8, 3, 1000]), true);
      view.setFloat32(i + 4, ((random() % 2001) - 1000) / pick(random, [1, 2, 8, 3, 1000]), true);
    }
  }
}

/** An x87 register: zeroes, denormals, ordinary numbers, infinities, NaNs, what a double or an integer becomes, neighbours of powers of two. */
export function extended(random: Random): bigint {
  const sign = BigInt(random() & 1) << 79n;
  const top = 1n << 63n;
  const of = (exponent: number, significand: bigint) => sign | (BigInt(exponent) << 64n) | significand;
  switch (random() % 12) {
    case 0:
      return of(0, 0n);
    case 1:
      return of(0, random64(random) >> BigInt(1 + (random() % 63)));
    case 2:
      return of(0x7fff, top);
    case 3:
      return of(0x7fff, top | (random64(random) >> 1n) | 1n);
    case 4:
      return of(pick(random, [1, 2, 0x7ffe, 0x3fff, 0x3ffe, 0x401e, 0x403e]), top | (random64(random) >> 1n));
    case 5:
      return of(0x3fff + (random() % 64), top | (BigInt(random() & 0xffff) << 47n));
    case 6:
      return of(0x3fff + (random() % 3) - 1, pick(random, [top, top | 1n, (1n << 64n) - 1n, top | (1n << 40n)]));
    default:
      return of(0x3fff + (random() % 80) - 40, top | (random64(random) >> 1n));
  }
}

/** MXCSR: all exceptions masked, any rounding, FTZ and DAZ now and then, any sticky flags. */
export function mxcsr(random: Random): number {
  const rounding = random() % 2 ? 0 : (random() % 4) << 13;
  const modes = random() % 4 ? 0 : ((random() & 1) << 15) | ((random() & 1) << 6);
  return 0x1f80 | rounding | modes | (random() % 3 ? 0 : random() & 0x3f);
}
