/** Multiplication and division of general registers. A quotient that does not fit is a #DE. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { CpuFault, VECTOR } from './fault.ts';
import { maskOf } from './flags.ts';
import { type Row, row } from './row.ts';

/** Low and high half of the double-width accumulator: AX alone for bytes, else (E/R)DX:(E/R)AX. */
function accumulator(x: Execution, width: number): bigint {
  if (width === 1) return x.general(0, 2);
  return (x.general(2, width) << BigInt(width * 8)) | x.general(0, width);
}

function setAccumulator(x: Execution, width: number, low: bigint, high: bigint): void {
  if (width === 1) x.setGeneral(0, 2, (low & 0xffn) | ((high & 0xffn) << 8n));
  else {
    x.setGeneral(0, width, low);
    x.setGeneral(2, width, high);
  }
}

function overflow(x: Execution, lost: boolean): void {
  x.setFlags(FLAG.CF | FLAG.OF, lost ? FLAG.CF | FLAG.OF : 0);
}

const mul = (x: Execution): void => {
  const width = x.width(0);
  const product = x.general(0, width) * x.get(0);
  const high = product >> BigInt(width * 8);
  setAccumulator(x, width, product & maskOf(width), high);
  overflow(x, high !== 0n);
};

const imulWide = (x: Execution): void => {
  const width = x.width(0);
  const bits = width * 8;
  const product = BigInt.asIntN(bits, x.general(0, width)) * x.signed(0);
  setAccumulator(x, width, product & maskOf(width), (product >> BigInt(bits)) & maskOf(width));
  overflow(x, BigInt.asIntN(bits, product) !== product);
};

const imul = (left: number, right: number) => (x: Execution) => {
  const bits = x.width(0) * 8;
  const product = BigInt.asIntN(bits, x.get(left)) * BigInt.asIntN(bits, x.get(right));
  x.set(0, product & maskOf(x.width(0)));
  overflow(x, BigInt.asIntN(bits, product) !== product);
};

function divideError(): never {
  throw new CpuFault(VECTOR.DE);
}

const div = (x: Execution): void => {
  const width = x.width(0);
  const divisor = x.get(0);
  if (divisor === 0n) divideError();
  const dividend = accumulator(x, width);
  const quotient = dividend / divisor;
  if (quotient > maskOf(width)) divideError();
  setAccumulator(x, width, quotient, dividend % divisor);
};

const idiv = (x: Execution): void => {
  const width = x.width(0);
  const bits = width * 8;
  const divisor = x.signed(0);
  if (divisor === 0n) divideError();
  const dividend = BigInt.asIntN(bits * 2, accumulator(x, width));
  const quotient = dividend / divisor;
  if (BigInt.asIntN(bits, quotient) !== quotient) divideError();
  setAccumulator(x, width, quotient & maskOf(width), (dividend % divisor) & maskOf(width));
};

const PRODUCT = { flags: 'OszapC' };
const QUOTIENT = { flags: 'oszapc', faults: 'DE' };

export const rows: readonly Row[] = [
  row('F6 /4', 'mul', 'Eb', mul, PRODUCT),
  row('F7 /4', 'mul', 'Ev', mul, PRODUCT),
  row('F6 /5', 'imul', 'Eb', imulWide, PRODUCT),
  row('F7 /5', 'imul', 'Ev', imulWide, PRODUCT),
  row('0F AF', 'imul', 'Gv Ev', imul(0, 1), PRODUCT),
  row('69', 'imul', 'Gv Ev Iz', imul(1, 2), PRODUCT),
  row('6B', 'imul', 'Gv Ev Ib', imul(1, 2), PRODUCT),
  row('F6 /6', 'div', 'Eb', div, QUOTIENT),
  row('F7 /6', 'div', 'Ev', div, QUOTIENT),
  row('F6 /7', 'idiv', 'Eb', idiv, QUOTIENT),
  row('F7 /7', 'idiv', 'Ev', idiv, QUOTIENT),
];
