/** x87 arithmetic and compares: the eight operations of opcodes D8 to DE, roots, rounding, signs, classification. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { OSZAPC } from './flags.ts';
import { FE, FloatEnv } from './float-env.ts';
import { F32, F64, F80, type FloatFormat, unpack } from './float-format.ts';
import { type Row, row } from './row.ts';
import { compare, fromInteger, type Order, roundToIntegral, widen } from './soft-compare.ts';
import { add, divide, multiply, squareRoot } from './soft-float.ts';
import { CONDITION, X87 } from './x87-stack.ts';

type Operation = (f: FloatFormat, env: FloatEnv, a: bigint, b: bigint) => bigint;
const sum: Operation = (f, env, a, b) => add(f, env, a, b);
const difference: Operation = (f, env, a, b) => add(f, env, a, b, true);
const reversed =
  (operation: Operation): Operation =>
  (f, env, a, b) =>
    operation(f, env, b, a);

/** The operation with its result rounded to the significand of precision control. */
function limited(fpu: X87, operation: Operation, a: bigint, b: bigint): bigint {
  fpu.env.fraction = fpu.precision;
  return operation(F80, fpu.env, a, b);
}

/** The second operand: bits of F80, and whether memory held a denormal, which is noted if nothing worse happens. */
interface Second {
  readonly bits: bigint;
  readonly denormal: boolean;
}
const fromStack =
  (i: (x: Execution) => number) =>
  (fpu: X87): Second => ({ bits: fpu.read(i(fpu.x)), denormal: false });
const named = fromStack(x => x.form.modrm & 7);
const topmost = fromStack(() => 0);

function memoryFloat(x: Execution, f: FloatFormat): Second {
  return widen(f, F80, x.get(0));
}
function memoryInteger(x: Execution): Second {
  return { bits: fromInteger(F80, new FloatEnv(0x1f80), x.signed(0)), denormal: false };
}

const isNan = (bits: bigint): boolean => unpack(F80, bits).kind === 'nan';

function noteDenormal(fpu: X87, second: Second, own: bigint): void {
  const worse = fpu.env.raised & (FE.INVALID | FE.DIVIDE);
  if (second.denormal && !worse && !isNan(own)) fpu.env.raise(FE.DENORMAL);
}

/** ST(to) = operation(ST(to), second). */
function combine(x: Execution, to: number, operation: Operation, second: (fpu: X87) => Second, pops: boolean): void {
  const fpu = new X87(x);
  const other = second(fpu);
  const own = fpu.read(to);
  const result = fpu.faulted ? F80.defaultNan : limited(fpu, operation, own, other.bits);
  noteDenormal(fpu, other, own);
  if (!fpu.stopped) {
    fpu.write(to, result);
    if (pops) fpu.pop();
  }
  fpu.finish();
}

const withFloat = (f: FloatFormat, operation: Operation) => (x: Execution) => {
  const other = memoryFloat(x, f);
  combine(x, 0, operation, () => other, false);
};
const withInteger = (operation: Operation) => (x: Execution) => {
  const other = memoryInteger(x);
  combine(x, 0, operation, () => other, false);
};
const toTop = (operation: Operation) => (x: Execution) => combine(x, 0, operation, named, false);
const toRegister = (operation: Operation, pops: boolean) => (x: Execution) =>
  combine(x, x.form.modrm & 7, operation, topmost, pops);

const { C0, C1, C2, C3 } = CONDITION;
const ORDER_BITS: Readonly<Record<Order, number>> = { greater: 0, less: C0, equal: C3, unordered: C3 | C2 | C0 };

/** Compares ST(0) with a second value into C3, C2 and C0, then pops `pops` times. */
function order(x: Execution, second: (fpu: X87) => Second, signal: boolean, pops: number): void {
  const fpu = new X87(x);
  const other = second(fpu);
  const own = fpu.read(0);
  const result = fpu.faulted ? 'unordered' : compare(F80, fpu.env, own, other.bits, signal);
  if (result !== 'unordered') noteDenormal(fpu, other, own);
  if (!fpu.stopped) for (let i = 0; i < pops; i++) fpu.pop();
  fpu.finish(ORDER_BITS[result]);
}
const orderFloat = (f: FloatFormat, pops: number) => (x: Execution) => {
  const other = memoryFloat(x, f);
  order(x, () => other, true, pops);
};
const orderInteger = (pops: number) => (x: Execution) => {
  const other = memoryInteger(x);
  order(x, () => other, true, pops);
};
const next = fromStack(() => 1);
const orderRegister = (signal: boolean, pops: number) => (x: Execution) =>
  order(x, pops === 2 ? next : named, signal, pops);

/** FCOMI and FUCOMI: the order goes to ZF, PF and CF. */
const orderFlags = (signal: boolean, pops: boolean) => (x: Execution) => {
  const fpu = new X87(x);
  const other = fpu.read(x.form.modrm & 7);
  const own = fpu.read(0);
  const result = fpu.faulted ? 'unordered' : compare(F80, fpu.env, own, other, signal);
  const { ZF, PF, CF } = FLAG;
  if (!fpu.stopped) {
    x.setFlags(OSZAPC, { greater: 0, less: CF, equal: ZF, unordered: ZF | PF | CF }[result]);
    if (pops) fpu.pop();
  }
  fpu.finishKeeping();
};

const test = (x: Execution): void => order(x, () => ({ bits: 0n, denormal: false }), true, 0);

/** On ST(0) alone. */
const unary = (operation: (fpu: X87, a: bigint) => bigint) => (x: Execution) => {
  const fpu = new X87(x);
  const own = fpu.read(0);
  const result = fpu.faulted ? F80.defaultNan : operation(fpu, own);
  if (!fpu.stopped) fpu.write(0, result);
  fpu.finish();
};
const root = unary((fpu, a) => limited(fpu, (f, env, value) => squareRoot(f, env, value), a, 0n));
const integral = unary((fpu, a) => {
  const result = roundToIntegral(F80, fpu.env, a, fpu.env.rounding, false);
  fpu.env.roundedUp = (result & ~F80.signBit) > (a & ~F80.signBit);
  return result;
});

/** FABS and FCHS work on the sign bit of whatever is there. */
const sign = (change: (raw: bigint) => bigint) => (x: Execution) => {
  const fpu = new X87(x);
  if (fpu.isEmpty(0)) {
    fpu.read(0);
    if (!fpu.stopped) fpu.write(0, F80.defaultNan);
  } else x.fpu.writeSt(0, change(x.fpu.readSt(0)));
  fpu.finish();
};
const SIGN = 1n << 79n;

/** FXAM: what ST(0) is, in C3, C2 and C0; its sign in C1. */
const examine = (x: Execution): void => {
  const fpu = new X87(x);
  const raw = x.fpu.readSt(0);
  const exponent = (raw >> 64n) & 0x7fffn;
  const value = unpack(F80, ((raw >> 79n) << 78n) | (exponent << 63n) | (raw & F80.fractionMask));
  const integer = (raw >> 63n) & 1n;
  let kind: number = C2;
  if (fpu.isEmpty(0)) kind = C3 | C0;
  else if (exponent !== 0n && !integer) kind = 0;
  else if (value.kind === 'nan') kind = C0;
  else if (value.kind === 'infinity') kind = C2 | C0;
  else if (raw << 1n === (raw & SIGN) << 1n) kind = C3;
  else if (exponent === 0n) kind = C3 | C2;
  fpu.finish(kind | (raw & SIGN ? C1 : 0));
  x.fpu.statusWord = (x.fpu.statusWord & ~C1) | (raw & SIGN ? C1 : 0);
};

const X = { unit: 'x87', faults: 'MF' } as const;
const hex = (value: number): string => value.toString(16).toUpperCase();

/** Names and operations by ModRM.reg, for ST(0); compares are apart. */
const TABLE: readonly (readonly [number, string, Operation])[] = [
  [0, 'add', sum],
  [1, 'mul', multiply],
  [4, 'sub', difference],
  [5, 'subr', reversed(difference)],
  [6, 'div', divide],
  [7, 'divr', reversed(divide)],
];
/** With ST(i) as the destination the reversed forms change places. */
const SWAPPED: Readonly<Record<number, number>> = { 0: 0, 1: 1, 4: 5, 5: 4, 6: 7, 7: 6 };

export const rows: readonly Row[] = [
  ...TABLE.flatMap(([digit, name, operation]) => [
    row(`D8 /${digit}`, `f${name}`, 'Md', withFloat(F32, operation), X),
    row(`DC /${digit}`, `f${name}`, 'Mq', withFloat(F64, operation), X),
    row(`DA /${digit}`, `fi${name}`, 'Md', withInteger(operation), X),
    row(`DE /${digit}`, `fi${name}`, 'Mw', withInteger(operation), X),
    row(`D8 /${digit}`, `f${name}`, 'T', toTop(operation), X),
    row(`DC /${SWAPPED[digit]}`, `f${name}`, 'T', toRegister(operation, false), X),
    row(`DE /${SWAPPED[digit]}`, `f${name}p`, 'T', toRegister(operation, true), X),
  ]),
  ...[2, 3].flatMap(digit => {
    const pops = digit - 2;
    const tail = pops ? 'p' : '';
    return [
      row(`D8 /${digit}`, `fcom${tail}`, 'Md', orderFloat(F32, pops), X),
      row(`DC /${digit}`, `fcom${tail}`, 'Mq', orderFloat(F64, pops), X),
      row(`DA /${digit}`, `ficom${tail}`, 'Md', orderInteger(pops), X),
      row(`DE /${digit}`, `ficom${tail}`, 'Mw', orderInteger(pops), X),
      row(`D8 /${digit}`, `fcom${tail}`, 'T', orderRegister(true, pops), X),
      row(`DD /${digit + 2}`, `fucom${tail}`, 'T', orderRegister(false, pops), X),
    ];
  }),
  row('DE =D9', 'fcompp', '', orderRegister(true, 2), X),
  row('DA =E9', 'fucompp', '', orderRegister(false, 2), X),
  row('DB /5', 'fucomi', 'T', orderFlags(false, false), { ...X, flags: 'OSZAPC' }),
  row('DB /6', 'fcomi', 'T', orderFlags(true, false), { ...X, flags: 'OSZAPC' }),
  row('DF /5', 'fucompi', 'T', orderFlags(false, true), { ...X, flags: 'OSZAPC', manual: 'FUCOMIP' }),
  row('DF /6', 'fcompi', 'T', orderFlags(true, true), { ...X, flags: 'OSZAPC', manual: 'FCOMIP' }),
  row(`D9 =${hex(0xe4)}`, 'ftst', '', test, X),
  row('D9 =E5', 'fxam', '', examine, X),
  row(
    'D9 =E0',
    'fchs',
    '',
    sign(raw => raw ^ SIGN),
    X,
  ),
  row(
    'D9 =E1',
    'fabs',
    '',
    sign(raw => raw & ~SIGN),
    X,
  ),
  row('D9 =FA', 'fsqrt', '', root, X),
  row('D9 =FC', 'frndint', '', integral, X),
];
