/** x87 loads and stores: floats of three sizes, integers, constants, exchanges, and conditional moves. */

import type { Execution } from './execution.ts';
import { condition } from './flags.ts';
import { FE, ROUND } from './float-env.ts';
import { F32, F64, F80, type FloatFormat, unpack } from './float-format.ts';
import { type Row, row } from './row.ts';
import { convert, fromInteger, toInteger } from './soft-compare.ts';
import { propagateNan, round } from './soft-float.ts';
import { CONDITION, fromRegister, toRegister, X87 } from './x87-stack.ts';

const register = (x: Execution): number => x.form.modrm & 7;

const loadFloat = (f: FloatFormat) => (x: Execution) => {
  const bits = x.get(0);
  const fpu = new X87(x);
  fpu.push(convert(f, F80, fpu.env, bits));
  fpu.finish();
};

/** 80 bits go through unchanged, whatever they are. */
const loadExtended = (x: Execution): void => {
  const bytes = new Uint8Array(10);
  x.memory.read(x.address(10), bytes);
  const view = new DataView(bytes.buffer);
  const raw = view.getBigUint64(0, true) | (BigInt(view.getUint16(8, true)) << 64n);
  const fpu = new X87(x);
  fpu.push(fromRegister(raw));
  if (!fpu.faulted) x.fpu.writeSt(0, raw);
  fpu.finish();
};

const loadRegister = (x: Execution): void => {
  const fpu = new X87(x);
  const empty = fpu.isEmpty(register(x));
  const raw = x.fpu.readSt(register(x));
  if (empty) fpu.stackFault(false);
  if (!fpu.stopped) {
    fpu.push(empty ? F80.defaultNan : fromRegister(raw));
    if (!fpu.faulted) x.fpu.writeSt(0, raw);
  }
  fpu.finish();
};

const loadInteger = (x: Execution): void => {
  const value = x.signed(0);
  const fpu = new X87(x);
  fpu.push(fromInteger(F80, fpu.env, value));
  fpu.finish();
};

/** A register as a smaller float; unlike arithmetic this says nothing of denormals. */
function narrow(f: FloatFormat, fpu: X87): bigint {
  const bits = fpu.read(0);
  if (fpu.faulted) return f.defaultNan;
  const value = unpack(F80, bits);
  const sign = value.negative ? f.signBit : 0n;
  if (value.kind === 'nan') {
    propagateNan(F80, fpu.env, value);
    return sign | f.infinity | f.quietBit | ((bits & F80.fractionMask) >> BigInt(63 - f.fraction));
  }
  if (value.kind === 'infinity') return sign | f.infinity;
  return round(f, fpu.env, value.negative, value.significand, value.exponent);
}

const storeFloat = (f: FloatFormat, pops: boolean) => (x: Execution) => {
  const fpu = new X87(x);
  const bits = narrow(f, fpu);
  if (!fpu.stopped) {
    x.set(0, bits);
    if (pops) fpu.pop();
  }
  fpu.finish();
};

const storeExtended = (x: Execution): void => {
  const fpu = new X87(x);
  const raw = fpu.isEmpty(0) ? toRegister(fpu.read(0)) : x.fpu.readSt(0);
  if (!fpu.stopped) {
    const bytes = new Uint8Array(10);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt.asUintN(64, raw), true);
    view.setUint16(8, Number(raw >> 64n), true);
    x.memory.write(x.address(10), bytes);
    fpu.pop();
  }
  fpu.finish();
};

const storeRegister = (pops: boolean) => (x: Execution) => {
  const fpu = new X87(x);
  const raw = fpu.isEmpty(0) ? toRegister(fpu.read(0)) : x.fpu.readSt(0);
  if (!fpu.stopped) {
    const to = register(x);
    fpu.write(to, fromRegister(raw));
    x.fpu.writeSt(to, raw);
    if (pops) fpu.pop();
  }
  fpu.finish();
};

const storeInteger = (pops: boolean, truncate: boolean) => (x: Execution) => {
  const fpu = new X87(x);
  const bits = fpu.read(0);
  const { env } = fpu;
  const mode = truncate ? ROUND.ZERO : env.rounding;
  const value = fpu.faulted ? 1n << BigInt(x.width(0) * 8 - 1) : toInteger(F80, env, bits, x.width(0), mode);
  if (!fpu.stopped) {
    x.set(0, value);
    if (pops) fpu.pop();
  }
  if (env.raised & FE.PRECISION) env.roundedUp = magnitude(value, x.width(0)) > truncated(bits);
  fpu.finish();
};

const magnitude = (value: bigint, width: number): bigint => {
  const signed = BigInt.asIntN(width * 8, value);
  return signed < 0n ? -signed : signed;
};
function truncated(bits: bigint): bigint {
  const { significand, exponent } = unpack(F80, bits);
  return exponent >= 0 ? significand << BigInt(exponent) : significand >> BigInt(-exponent);
}

const exchange = (x: Execution): void => {
  const fpu = new X87(x);
  const other = register(x);
  const [a, b] = [fpu.read(0), fpu.read(other)];
  const raw = [x.fpu.readSt(0), x.fpu.readSt(other)] as const;
  const empty = [fpu.isEmpty(0), fpu.isEmpty(other)] as const;
  if (!fpu.stopped) {
    fpu.write(0, b);
    fpu.write(other, a);
    if (!empty[1]) x.fpu.writeSt(0, raw[1]);
    if (!empty[0]) x.fpu.writeSt(other, raw[0]);
  }
  fpu.finish();
};

/** FCMOVcc: the condition of CMOVcc with this code. */
const conditional = (code: number) => (x: Execution) => {
  const fpu = new X87(x);
  const from = register(x);
  const raw = x.fpu.readSt(from);
  fpu.read(0);
  const bits = fpu.read(from);
  if (fpu.faulted ? !fpu.stopped : condition(code, x.flags)) {
    fpu.write(0, fpu.faulted ? F80.defaultNan : bits);
    if (!fpu.faulted) x.fpu.writeSt(0, raw);
  }
  fpu.finishKeeping();
};

/** A constant: its register when rounded down, and whether nearest (and up) is one more. */
const constant =
  (exponent: number, significand: bigint, nearestIsUp: boolean, exact = false) =>
  (x: Execution) => {
    const fpu = new X87(x);
    const up = fpu.env.rounding === ROUND.UP || (fpu.env.rounding === ROUND.NEAREST && nearestIsUp);
    const raw = (BigInt(exponent) << 64n) | (significand + (up && !exact ? 1n : 0n));
    fpu.push(fromRegister(raw));
    fpu.finish();
  };

const free = (x: Execution): void => {
  const fpu = new X87(x);
  fpu.free(register(x));
  fpu.finish();
};
const turn = (by: 1 | -1) => (x: Execution) => {
  const fpu = new X87(x);
  fpu.turn(by);
  x.fpu.statusWord = x.fpu.statusWord & ~CONDITION.C1;
};

const X = { unit: 'x87', faults: 'MF' } as const;
const CONSTANTS: readonly (readonly [string, string, number, bigint, boolean, boolean])[] = [
  ['E8', 'fld1', 0x3fff, 0x8000_0000_0000_0000n, false, true],
  ['E9', 'fldl2t', 0x4000, 0xd49a_784b_cd1b_8afen, false, false],
  ['EA', 'fldl2e', 0x3fff, 0xb8aa_3b29_5c17_f0bbn, true, false],
  ['EB', 'fldpi', 0x4000, 0xc90f_daa2_2168_c234n, true, false],
  ['EC', 'fldlg2', 0x3ffd, 0x9a20_9a84_fbcf_f798n, true, false],
  ['ED', 'fldln2', 0x3ffe, 0xb172_17f7_d1cf_79abn, true, false],
  ['EE', 'fldz', 0, 0n, false, true],
];
const MOVES = [
  ['DA', 0, 'fcmovb', 2],
  ['DA', 1, 'fcmove', 4],
  ['DA', 2, 'fcmovbe', 6],
  ['DA', 3, 'fcmovu', 10],
  ['DB', 0, 'fcmovnb', 3],
  ['DB', 1, 'fcmovne', 5],
  ['DB', 2, 'fcmovnbe', 7],
  ['DB', 3, 'fcmovnu', 11],
] as const;

export const rows: readonly Row[] = [
  row('D9 /0', 'fld', 'Md', loadFloat(F32), X),
  row('DD /0', 'fld', 'Mq', loadFloat(F64), X),
  row('DB /5', 'fld', 'Mt', loadExtended, X),
  row('D9 /0', 'fld', 'T', loadRegister, X),
  row('DF /0', 'fild', 'Mw', loadInteger, X),
  row('DB /0', 'fild', 'Md', loadInteger, X),
  row('DF /5', 'fild', 'Mq', loadInteger, X),
  row('D9 /2', 'fst', 'Md', storeFloat(F32, false), X),
  row('DD /2', 'fst', 'Mq', storeFloat(F64, false), X),
  row('DD /2', 'fst', 'T', storeRegister(false), X),
  row('D9 /3', 'fstp', 'Md', storeFloat(F32, true), X),
  row('DD /3', 'fstp', 'Mq', storeFloat(F64, true), X),
  row('DB /7', 'fstp', 'Mt', storeExtended, X),
  row('DD /3', 'fstp', 'T', storeRegister(true), X),
  row('DF /2', 'fist', 'Mw', storeInteger(false, false), X),
  row('DB /2', 'fist', 'Md', storeInteger(false, false), X),
  row('DF /3', 'fistp', 'Mw', storeInteger(true, false), X),
  row('DB /3', 'fistp', 'Md', storeInteger(true, false), X),
  row('DF /7', 'fistp', 'Mq', storeInteger(true, false), X),
  row('DF /1', 'fisttp', 'Mw', storeInteger(true, true), X),
  row('DB /1', 'fisttp', 'Md', storeInteger(true, true), X),
  row('DD /1', 'fisttp', 'Mq', storeInteger(true, true), X),
  row('D9 /1', 'fxch', 'T', exchange, X),
  ...MOVES.map(([opcode, digit, name, code]) =>
    row(`${opcode} /${digit}`, name, 'T', conditional(code), { ...X, manual: 'FCMOVcc' }),
  ),
  ...CONSTANTS.map(([modrm, name, exponent, significand, up, exact]) =>
    row(`D9 =${modrm}`, name, '', constant(exponent, significand, up, exact), {
      ...X,
      manual: 'FLD1/FLDL2T/FLDL2E/FLDPI/FLDLG2/FLDLN2/FLDZ',
    }),
  ),
  row('DD /0', 'ffree', 'T', free, X),
  row('D9 =F6', 'fdecstp', '', turn(-1), X),
  row('D9 =F7', 'fincstp', '', turn(1), X),
  row('NP.0F 77', 'emms', '', x => new X87(x).empty(), X),
  row('D9 =D0', 'fnop', '', x => void new X87(x), X),
];
