/** Moves between general registers, memory and immediates; sign and zero extension; exchange; conditional moves and sets. */
import type { Execution } from './execution.ts';
import { condition, maskOf } from './flags.ts';
import { type Row, row } from './row.ts';
import { checkSegment } from './segmentation.ts';

const move = (x: Execution): void => x.set(0, x.get(1) & maskOf(x.width(0)));
const signExtend = (x: Execution): void => x.set(0, x.signed(1) & maskOf(x.width(0)));

const xchg = (x: Execution): void => {
  const other = x.get(1);
  let old = 0n;
  x.update(0, value => {
    old = value;
    return other;
  });
  x.set(1, old);
};

/** NOP, and XCHG of RAX with the register in the opcode. */
const exchangeWithA = (x: Execution): void => {
  const [a, b] = [x.get(0), x.get(1)];
  if (x.form.operands[0]?.kind === 'general' && x.form.operands[0].number === 0) return;
  x.set(0, b);
  x.set(1, a);
};

const lea = (x: Execution): void => x.set(0, x.offset() & maskOf(x.width(0)));

const cmov = (code: number) => (x: Execution) => {
  const value = x.get(1);
  // The upper half of a 32-bit destination is cleared either way.
  x.set(0, condition(code, x.flags) ? value : x.get(0));
};

const setcc = (code: number) => (x: Execution) => x.set(0, condition(code, x.flags) ? 1n : 0n);

/** CBW, CWDE, CDQE. */
const extendA = (x: Execution): void => {
  const width = x.form.operandSize;
  x.setGeneral(0, width, BigInt.asIntN(width * 4, x.general(0, width)) & maskOf(width));
};

/** CWD, CDQ, CQO. */
const extendIntoD = (x: Execution): void => {
  const width = x.form.operandSize;
  const negative = BigInt.asIntN(width * 8, x.general(0, width)) < 0n;
  x.setGeneral(2, width, negative ? maskOf(width) : 0n);
};

const lahf = (x: Execution): void => x.setGeneral(0, 2, x.general(0, 1) | (BigInt((x.flags & 0xd5) | 2) << 8n));
const sahf = (x: Execution): void => x.setFlags(0xd5, Number((x.general(0, 2) >> 8n) & 0xffn));

const xlat = (x: Execution): void => {
  const size = x.form.addressSize;
  const offset = (x.general(3, size) + x.general(0, 1)) & maskOf(size);
  x.setGeneral(0, 1, x.read(checkSegment(x.cpu, x.form.mode, x.form.stringSegment, offset, 1), 1));
};

export const CONDITIONS = [
  'o',
  'no',
  'b',
  'ae',
  'e',
  'ne',
  'be',
  'a',
  's',
  'ns',
  'p',
  'np',
  'l',
  'ge',
  'le',
  'g',
] as const;
const hex = (value: number): string => value.toString(16).toUpperCase();

export const rows: readonly Row[] = [
  row('88', 'mov', 'Eb Gb', move),
  row('89', 'mov', 'Ev Gv', move),
  row('8A', 'mov', 'Gb Eb', move),
  row('8B', 'mov', 'Gv Ev', move),
  row('A0', 'mov', 'AL Ob', move),
  row('A1', 'mov', 'rAX Ov', move),
  row('A2', 'mov', 'Ob AL', move),
  row('A3', 'mov', 'Ov rAX', move),
  row('B0', 'mov', 'Zb Ib', move),
  row('B8', 'mov', 'Zv Iv', move),
  row('C6 /0', 'mov', 'Eb Ib', move),
  row('C7 /0', 'mov', 'Ev Iz', move),
  row('63', 'movsxd', 'Gv Ed', signExtend, { modes: 'long' }),
  row('86', 'xchg', 'Eb Gb', xchg, { lockable: true }),
  row('87', 'xchg', 'Ev Gv', xchg, { lockable: true }),
  row('90', 'xchg', 'Zv rAX', exchangeWithA, { manual: 'XCHG, NOP' }),
  row('8D', 'lea', 'Gv M', lea),
  row('0F B6', 'movzx', 'Gv Eb', move),
  row('0F B7', 'movzx', 'Gv Ew', move),
  row('0F BE', 'movsx', 'Gv Eb', signExtend),
  row('0F BF', 'movsx', 'Gv Ew', signExtend),
  row('98', 'cwde', '', extendA, { manual: 'CBW/CWDE/CDQE' }),
  row('99', 'cdq', '', extendIntoD, { manual: 'CWD/CDQ/CQO' }),
  row('9E', 'sahf', '', sahf, { flags: 'SZAPC' }),
  row('9F', 'lahf', '', lahf),
  row('D7', 'xlatb', '', xlat, { faults: 'GP SS PF', manual: 'XLAT/XLATB' }),
  ...CONDITIONS.map((name, code) => row(`0F 4${hex(code)}`, `cmov${name}`, 'Gv Ev', cmov(code), { manual: 'CMOVcc' })),
  ...CONDITIONS.map((name, code) => row(`0F 9${hex(code)}`, `set${name}`, 'Eb', setcc(code), { manual: 'SETcc' })),
];
