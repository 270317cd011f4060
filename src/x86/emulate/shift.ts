/** Shifts and rotates, single and double. A count of zero leaves every flag as it was. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { maskOf, OSZAPC, signOf, zsp } from './flags.ts';
import { type Row, row } from './row.ts';

const { CF, OF } = FLAG;
type Shift = (x: Execution, a: bigint, count: number, width: number) => bigint;

/** Count modulo 32, or 64 for 8-byte operands. */
function masked(count: number, width: number): number {
  return count & (width === 8 ? 0x3f : 0x1f);
}

const bit = (value: bigint, n: number): number => Number((value >> BigInt(n)) & 1n);

/** CF, and OF (defined for counts of 1) as the exclusive or of two bits. */
function carryOverflow(x: Execution, carry: number, overflow: number): void {
  x.setFlags(CF | OF, (carry ? CF : 0) | (overflow ? OF : 0));
}

const rol: Shift = (x, a, count, width) => {
  const bits = width * 8;
  const by = BigInt(count % bits);
  const result = ((a << by) | (a >> (BigInt(bits) - by))) & maskOf(width);
  carryOverflow(x, bit(result, 0), bit(result, 0) ^ bit(result, bits - 1));
  return result;
};

const ror: Shift = (x, a, count, width) => {
  const bits = width * 8;
  const by = BigInt(count % bits);
  const result = ((a >> by) | (a << (BigInt(bits) - by))) & maskOf(width);
  carryOverflow(x, bit(result, bits - 1), bit(result, bits - 1) ^ bit(result, bits - 2));
  return result;
};

/** Rotates through carry: the operand with CF on top is one bit wider. */
const rcl: Shift = (x, a, count, width) => {
  const bits = width * 8;
  const by = BigInt(count % (bits + 1));
  const wide = (BigInt(x.flags & CF) << BigInt(bits)) | a;
  const turned = (wide << by) | (wide >> (BigInt(bits + 1) - by));
  const result = turned & maskOf(width);
  const carry = bit(turned, bits);
  carryOverflow(x, carry, carry ^ bit(result, bits - 1));
  return result;
};

const rcr: Shift = (x, a, count, width) => {
  const bits = width * 8;
  const by = BigInt(count % (bits + 1));
  const wide = (BigInt(x.flags & CF) << BigInt(bits)) | a;
  const turned = (wide >> by) | (wide << (BigInt(bits + 1) - by));
  const result = turned & maskOf(width);
  carryOverflow(x, bit(turned, bits), bit(result, bits - 1) ^ bit(result, bits - 2));
  return result;
};

const shl: Shift = (x, a, count, width) => {
  const wide = a << BigInt(count);
  const result = wide & maskOf(width);
  const carry = bit(wide, width * 8);
  x.setFlags(OSZAPC, zsp(result, width));
  carryOverflow(x, carry, carry ^ bit(result, width * 8 - 1));
  return result;
};

const shr: Shift = (x, a, count, width) => {
  const result = a >> BigInt(count);
  x.setFlags(OSZAPC, zsp(result, width));
  carryOverflow(x, bit(a, count - 1), a & signOf(width) ? 1 : 0);
  return result;
};

const sar: Shift = (x, a, count, width) => {
  const signed = BigInt.asIntN(width * 8, a);
  const result = (signed >> BigInt(count)) & maskOf(width);
  x.setFlags(OSZAPC, zsp(result, width));
  carryOverflow(x, bit(signed, count - 1), 0);
  return result;
};

function shift(operation: Shift, countOf: (x: Execution) => number): (x: Execution) => void {
  return x => {
    const width = x.width(0);
    const count = masked(countOf(x), width);
    const before = x.flags;
    x.update(0, a => {
      x.flags = before;
      return count === 0 ? a : operation(x, a, count, width);
    });
  };
}

const byOne = (): number => 1;
const byCl = (x: Execution): number => Number(x.general(1, 1));
const byImmediate = (x: Execution): number => x.byte(1);
const byThird = (x: Execution): number => x.byte(2);

/** SHLD and SHRD: bits come in from the second operand. */
function double(left: boolean, countOf: (x: Execution) => number): (x: Execution) => void {
  return x => {
    const width = x.width(0);
    const bits = width * 8;
    const count = masked(countOf(x), width);
    const from = x.get(1);
    x.update(0, a => {
      // Counts beyond 16-bit operands are undefined; the second operand follows itself, as CPUs have it.
      if (count === 0) return a;
      const by = BigInt(count);
      const size = BigInt(bits);
      const wide = left ? (a << size) | from : (from << size) | a;
      const turned = left ? ((wide << by) >> size) & maskOf(width) : (wide >> by) & maskOf(width);
      const carry = left ? bit(a, bits - count) : bit(a, count - 1);
      x.setFlags(OSZAPC, zsp(turned, width));
      carryOverflow(x, carry, bit(turned, bits - 1) ^ bit(a, bits - 1));
      return turned;
    });
  };
}

const GROUP: readonly (readonly [string, Shift, string])[] = [
  ['rol', rol, 'oC'],
  ['ror', ror, 'oC'],
  ['rcl', rcl, 'oC'],
  ['rcr', rcr, 'oC'],
  ['shl', shl, 'oSZaPc'],
  ['shr', shr, 'oSZaPc'],
  ['sal', shl, 'oSZaPc'],
  ['sar', sar, 'oSZaPC'],
];

export const rows: readonly Row[] = [
  ...GROUP.flatMap(([name, operation, flags], digit) => [
    row(`C0 /${digit}`, name, 'Eb Ib', shift(operation, byImmediate), { flags }),
    row(`C1 /${digit}`, name, 'Ev Ib', shift(operation, byImmediate), { flags }),
    row(`D0 /${digit}`, name, 'Eb', shift(operation, byOne), { flags }),
    row(`D1 /${digit}`, name, 'Ev', shift(operation, byOne), { flags }),
    row(`D2 /${digit}`, name, 'Eb CL', shift(operation, byCl), { flags }),
    row(`D3 /${digit}`, name, 'Ev CL', shift(operation, byCl), { flags }),
  ]),
  row('0F A4', 'shld', 'Ev Gv Ib', double(true, byThird), { flags: 'oSZaPC' }),
  row('0F A5', 'shld', 'Ev Gv CL', double(true, byCl), { flags: 'oSZaPC' }),
  row('0F AC', 'shrd', 'Ev Gv Ib', double(false, byThird), { flags: 'oSZaPC' }),
  row('0F AD', 'shrd', 'Ev Gv CL', double(false, byCl), { flags: 'oSZaPC' }),
];
