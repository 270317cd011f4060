/** Stack operations and near control flow. In 64-bit mode they work on 8 bytes unless a 66 prefix says 2. */

import { privilegeLevel } from '../mode.ts';
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { condition, maskOf } from './flags.ts';
import { CONDITIONS } from './move.ts';
import { type Row, row } from './row.ts';
import { jump, pop, push, stackSize } from './stack-access.ts';

const pushOperand = (x: Execution): void => {
  const value = x.get(0);
  push(x, value, x.width(0) === 1 ? x.form.operandSize : x.width(0));
};

const pushImmediate = (x: Execution): void => push(x, x.get(0), x.form.operandSize);

const popOperand = (x: Execution): void => {
  // A memory operand that uses RSP sees it already incremented (SDM volume 2, POP).
  const value = pop(x, x.width(0));
  x.set(0, value);
};

const pushf = (x: Execution): void => {
  push(x, BigInt(x.flags & ~(FLAG.VM | FLAG.RF)) & maskOf(x.form.operandSize), x.form.operandSize);
};

/** What POPF may change: IOPL only at level 0, IF only up to IOPL (SDM volume 2, POPF). */
const popf = (x: Execution): void => {
  const size = x.form.operandSize;
  const value = Number(pop(x, size) & 0xffff_ffffn);
  const level = privilegeLevel(x.cpu);
  let mask: number = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;
  if (size > 2) mask |= FLAG.AC | 0x20_0000;
  if (level === 0) mask |= FLAG.IOPL;
  if (level <= (x.flags & FLAG.IOPL) >> 12) mask |= FLAG.IF;
  x.setFlags(mask | FLAG.RF, value & ~FLAG.RF);
};

const leave = (x: Execution): void => {
  x.setGeneral(4, stackSize(x), x.general(5, stackSize(x)));
  x.setGeneral(5, x.form.operandSize, pop(x, x.form.operandSize));
};

const call = (x: Execution): void => {
  const target = x.form.operands[0]!.kind === 'immediate' ? x.next + x.signed(0) : x.get(0);
  push(x, x.next, x.form.operandSize);
  jump(x, target);
};

const jumpTo = (x: Execution): void => {
  jump(x, x.form.operands[0]!.kind === 'immediate' ? x.next + x.signed(0) : x.get(0));
};

const ret = (x: Execution): void => {
  jump(x, pop(x, x.form.operandSize));
  if (x.form.operands.length > 0) {
    const extra = x.get(0) & 0xffffn;
    x.setGeneral(4, stackSize(x), x.general(4, stackSize(x)) + extra);
  }
};

const jumpIf = (code: number) => (x: Execution) => {
  if (condition(code, x.flags)) jump(x, x.next + x.signed(0));
};

/** LOOPNE, LOOPE, LOOP count down RCX; JRCXZ only looks. */
const loop = (wanted: (x: Execution) => boolean) => (x: Execution) => {
  const size = x.form.addressSize;
  const left = (x.general(1, size) - 1n) & maskOf(size);
  x.setGeneral(1, size, left);
  if (left !== 0n && wanted(x)) jump(x, x.next + x.signed(0));
};

const jumpIfCountZero = (x: Execution): void => {
  if (x.general(1, x.form.addressSize) === 0n) jump(x, x.next + x.signed(0));
};

const flag = (mask: number, value: number) => (x: Execution) => x.setFlags(mask, value);
const WIDE = { wide: true } as const;
const NEAR = { near: true } as const;
const hex = (value: number): string => value.toString(16).toUpperCase();

export const rows: readonly Row[] = [
  row('50', 'push', 'Zv', pushOperand, WIDE),
  row('FF /6', 'push', 'Ev', pushOperand, WIDE),
  row('68', 'push', 'Iz', pushImmediate, WIDE),
  row('6A', 'push', 'Ib', pushImmediate, WIDE),
  row('58', 'pop', 'Zv', popOperand, WIDE),
  row('8F /0', 'pop', 'Ev', popOperand, WIDE),
  row('9C', 'pushfq', '', pushf, { wide: true, manual: 'PUSHF/PUSHFD/PUSHFQ' }),
  row('9D', 'popfq', '', popf, { wide: true, flags: 'OSZAPC', manual: 'POPF/POPFD/POPFQ' }),
  row('C9', 'leave', '', leave, WIDE),
  row('E8', 'call', 'Jz', call, NEAR),
  row('FF /2', 'call', 'Ev', call, NEAR),
  row('E9', 'jmp', 'Jz', jumpTo, NEAR),
  row('EB', 'jmp', 'Jb', jumpTo, NEAR),
  row('FF /4', 'jmp', 'Ev', jumpTo, NEAR),
  row('C3', 'ret', '', ret, NEAR),
  row('C2', 'ret', 'Iw', ret, NEAR),
  ...CONDITIONS.map((name, code) =>
    row(`7${hex(code)}`, `j${name}`, 'Jb', jumpIf(code), { near: true, manual: 'Jcc' }),
  ),
  ...CONDITIONS.map((name, code) =>
    row(`0F 8${hex(code)}`, `j${name}`, 'Jz', jumpIf(code), { near: true, manual: 'Jcc' }),
  ),
  row(
    'E0',
    'loopne',
    'Jb',
    loop(x => (x.flags & FLAG.ZF) === 0),
    { near: true, manual: 'LOOP/LOOPcc' },
  ),
  row(
    'E1',
    'loope',
    'Jb',
    loop(x => (x.flags & FLAG.ZF) !== 0),
    { near: true, manual: 'LOOP/LOOPcc' },
  ),
  row(
    'E2',
    'loop',
    'Jb',
    loop(() => true),
    { near: true, manual: 'LOOP/LOOPcc' },
  ),
  row('E3', 'jrcxz', 'Jb', jumpIfCountZero, { near: true, manual: 'Jcc' }),
  row('F5', 'cmc', '', x => x.setFlags(FLAG.CF, ~x.flags), { flags: 'C' }),
  row('F8', 'clc', '', flag(FLAG.CF, 0), { flags: 'C' }),
  row('F9', 'stc', '', flag(FLAG.CF, FLAG.CF), { flags: 'C' }),
  row('FC', 'cld', '', flag(FLAG.DF, 0)),
  row('FD', 'std', '', flag(FLAG.DF, FLAG.DF)),
];
