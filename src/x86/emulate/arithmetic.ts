/** Integer arithmetic and logic: the eight operations of opcodes 00 to 3F in all their forms, increments, negation. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { add, maskOf, OSZAPC, subtract, zsp } from './flags.ts';
import { type Row, row } from './row.ts';

type Operation = (x: Execution, a: bigint, b: bigint, width: number) => bigint;

const carry = (x: Execution): bigint => BigInt(x.flags & FLAG.CF);

function withFlags(x: Execution, { result, flags }: { result: bigint; flags: number }): bigint {
  x.setFlags(OSZAPC, flags);
  return result;
}

function logic(x: Execution, result: bigint, width: number): bigint {
  // AF is undefined; CPUs clear it.
  x.setFlags(OSZAPC, zsp(result, width));
  return result;
}

/** In the order of the opcodes and of ModRM.reg in group 1. */
const OPERATIONS: readonly (readonly [string, Operation])[] = [
  ['add', (x, a, b, width) => withFlags(x, add(a, b, 0n, width))],
  ['or', (x, a, b, width) => logic(x, a | b, width)],
  ['adc', (x, a, b, width) => withFlags(x, add(a, b, carry(x), width))],
  ['sbb', (x, a, b, width) => withFlags(x, subtract(a, b, carry(x), width))],
  ['and', (x, a, b, width) => logic(x, a & b, width)],
  ['sub', (x, a, b, width) => withFlags(x, subtract(a, b, 0n, width))],
  ['xor', (x, a, b, width) => logic(x, a ^ b, width)],
  ['cmp', (x, a, b, width) => withFlags(x, subtract(a, b, 0n, width))],
];

function two(operation: Operation): (x: Execution) => void {
  return x => {
    const width = x.width(0);
    const b = x.get(1);
    // The carry goes in once, however often an atomic update has to try.
    const before = x.flags;
    x.update(0, a => {
      x.flags = before;
      return operation(x, a, b & maskOf(width), width);
    });
  };
}

const compare = (x: Execution): void => {
  withFlags(x, subtract(x.get(0), x.get(1) & maskOf(x.width(0)), 0n, x.width(0)));
};

const test = (x: Execution): void => {
  logic(x, x.get(0) & x.get(1), x.width(0));
};

/** A one-operand change that leaves the flags in `keep`. */
function one(change: (x: Execution, a: bigint, width: number) => bigint, keep = 0): (x: Execution) => void {
  return x => {
    const before = x.flags;
    x.update(0, a => {
      x.flags = before;
      const result = change(x, a, x.width(0));
      x.setFlags(keep, before);
      return result;
    });
  };
}

const increment = one((x, a, width) => withFlags(x, add(a, 1n, 0n, width)), FLAG.CF);
const decrement = one((x, a, width) => withFlags(x, subtract(a, 1n, 0n, width)), FLAG.CF);
const negate = one((x, a, width) => withFlags(x, subtract(0n, a, 0n, width)));
const invert = one((_x, a, width) => a ^ maskOf(width));

const hex2 = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');

function operationRows(name: string, operation: Operation, digit: number): Row[] {
  const opcode = digit * 8;
  const logical = name === 'or' || name === 'and' || name === 'xor';
  const isCompare = name === 'cmp';
  const run = isCompare ? compare : two(operation);
  const options = { flags: logical ? 'OSZaPC' : 'OSZAPC', lockable: !isCompare };
  const make = (encoding: string, operands: string) => row(encoding, name, operands, run, options);
  return [
    make(hex2(opcode), 'Eb Gb'),
    make(hex2(opcode + 1), 'Ev Gv'),
    make(hex2(opcode + 2), 'Gb Eb'),
    make(hex2(opcode + 3), 'Gv Ev'),
    make(hex2(opcode + 4), 'AL Ib'),
    make(hex2(opcode + 5), 'rAX Iz'),
    make(`80 /${digit}`, 'Eb Ib'),
    make(`81 /${digit}`, 'Ev Iz'),
    make(`83 /${digit}`, 'Ev Ib'),
  ];
}

export const rows: readonly Row[] = [
  ...OPERATIONS.flatMap(([name, operation], digit) => operationRows(name, operation, digit)),
  row('84', 'test', 'Eb Gb', test, { flags: 'OSZaPC' }),
  row('85', 'test', 'Ev Gv', test, { flags: 'OSZaPC' }),
  row('A8', 'test', 'AL Ib', test, { flags: 'OSZaPC' }),
  row('A9', 'test', 'rAX Iz', test, { flags: 'OSZaPC' }),
  row('F6 /0', 'test', 'Eb Ib', test, { flags: 'OSZaPC' }),
  row('F7 /0', 'test', 'Ev Iz', test, { flags: 'OSZaPC' }),
  row('FE /0', 'inc', 'Eb', increment, { flags: 'OSZAP', lockable: true }),
  row('FF /0', 'inc', 'Ev', increment, { flags: 'OSZAP', lockable: true }),
  row('FE /1', 'dec', 'Eb', decrement, { flags: 'OSZAP', lockable: true }),
  row('FF /1', 'dec', 'Ev', decrement, { flags: 'OSZAP', lockable: true }),
  row('F6 /2', 'not', 'Eb', invert, { lockable: true }),
  row('F7 /2', 'not', 'Ev', invert, { lockable: true }),
  row('F6 /3', 'neg', 'Eb', negate, { flags: 'OSZAPC', lockable: true }),
  row('F7 /3', 'neg', 'Ev', negate, { flags: 'OSZAPC', lockable: true }),
];
