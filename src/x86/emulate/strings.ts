/**
 * String instructions on memory. A repeated one runs up to a bound of elements at a time and then leaves RIP where it is, so that
 * interrupts get their turn; a fault in the middle keeps the elements already done, as on a CPU.
 */

import type { Linear } from '../linear.ts';
import type { SegmentName } from '../registers.ts';
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { maskOf, OSZAPC, subtract } from './flags.ts';
import { type Row, row } from './row.ts';
import { checkSegment } from './segmentation.ts';

/** Elements in one go. */
const BOUND = 1024;
const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7] as const;

function place(x: Execution, register: number, segment: SegmentName, width: number): Linear {
  return checkSegment(x.cpu, x.form.mode, segment, x.general(register, x.form.addressSize), width);
}

function source(x: Execution, width: number): bigint {
  return x.read(place(x, RSI, x.form.stringSegment, width), width);
}

function destination(x: Execution, width: number): Linear {
  return place(x, RDI, 'es', width);
}

function advance(x: Execution, register: number, width: number): void {
  const size = x.form.addressSize;
  const step = BigInt(x.flags & FLAG.DF ? -width : width);
  x.setGeneral(register, size, (x.general(register, size) + step) & maskOf(size));
}

/** `element` handles one element; it tells whether a repetition with a condition (REPE, REPNE) is over. */
function repeated(element: (x: Execution, width: number) => boolean, bytes: boolean): (x: Execution) => void {
  return x => {
    const width = bytes ? 1 : x.form.operandSize;
    if (!x.form.repeat) {
      element(x, width);
      return;
    }
    const size = x.form.addressSize;
    for (let i = 0; i < BOUND; i++) {
      const left = x.general(RCX, size);
      if (left === 0n) return;
      const over = element(x, width);
      x.setGeneral(RCX, size, left - 1n);
      x.commit();
      if (over) return;
    }
    x.again = x.general(RCX, size) !== 0n;
  };
}

const movs = (x: Execution, width: number): boolean => {
  const value = source(x, width);
  x.write(destination(x, width), width, value);
  advance(x, RSI, width);
  advance(x, RDI, width);
  return false;
};

const stos = (x: Execution, width: number): boolean => {
  x.write(destination(x, width), width, x.general(RAX, width));
  advance(x, RDI, width);
  return false;
};

const lods = (x: Execution, width: number): boolean => {
  x.setGeneral(RAX, width, source(x, width));
  advance(x, RSI, width);
  return false;
};

function compare(x: Execution, a: bigint, b: bigint, width: number): boolean {
  x.setFlags(OSZAPC, subtract(a, b, 0n, width).flags);
  const equal = a === b;
  return x.form.repeat === 'rep' ? !equal : equal;
}

const cmps = (x: Execution, width: number): boolean => {
  const a = source(x, width);
  const b = x.read(destination(x, width), width);
  advance(x, RSI, width);
  advance(x, RDI, width);
  return compare(x, a, b, width);
};

const scas = (x: Execution, width: number): boolean => {
  const b = x.read(destination(x, width), width);
  advance(x, RDI, width);
  return compare(x, x.general(RAX, width), b, width);
};

const MEMORY = { faults: 'GP SS PF' };
const COMPARE = { ...MEMORY, flags: 'OSZAPC' };

export const rows: readonly Row[] = [
  row('A4', 'movsb', '', repeated(movs, true), { ...MEMORY, manual: 'MOVS/MOVSB/MOVSW/MOVSD/MOVSQ' }),
  row('A5', 'movsd', '', repeated(movs, false), { ...MEMORY, manual: 'MOVS/MOVSB/MOVSW/MOVSD/MOVSQ' }),
  row('AA', 'stosb', '', repeated(stos, true), { ...MEMORY, manual: 'STOS/STOSB/STOSW/STOSD/STOSQ' }),
  row('AB', 'stosd', '', repeated(stos, false), { ...MEMORY, manual: 'STOS/STOSB/STOSW/STOSD/STOSQ' }),
  row('AC', 'lodsb', '', repeated(lods, true), { ...MEMORY, manual: 'LODS/LODSB/LODSW/LODSD/LODSQ' }),
  row('AD', 'lodsd', '', repeated(lods, false), { ...MEMORY, manual: 'LODS/LODSB/LODSW/LODSD/LODSQ' }),
  row('A6', 'cmpsb', '', repeated(cmps, true), { ...COMPARE, manual: 'CMPS/CMPSB/CMPSW/CMPSD/CMPSQ' }),
  row('A7', 'cmpsd', '', repeated(cmps, false), { ...COMPARE, manual: 'CMPS/CMPSB/CMPSW/CMPSD/CMPSQ' }),
  row('AE', 'scasb', '', repeated(scas, true), { ...COMPARE, manual: 'SCAS/SCASB/SCASW/SCASD' }),
  row('AF', 'scasd', '', repeated(scas, false), { ...COMPARE, manual: 'SCAS/SCASB/SCASW/SCASD' }),
];
