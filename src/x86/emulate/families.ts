/** The families of emulated instructions, in the order in which the documentation lists them. */
import { rows as arithmetic } from './arithmetic.ts';
import { rows as atomic } from './atomic.ts';
import { rows as bits } from './bits.ts';
import { rows as evex } from './evex.ts';
import { rows as evexCompare } from './evex-compare.ts';
import { rows as move } from './move.ts';
import { rows as multiply } from './multiply.ts';
import { rows as opmask } from './opmask.ts';
import { rows as returns } from './returns.ts';
import type { Row } from './row.ts';
import { rows as shift } from './shift.ts';
import { rows as stack } from './stack.ts';
import { rows as strings } from './strings.ts';
import { rows as system } from './system.ts';
import { rows as vectorConvert } from './vector-convert.ts';
import { rows as vectorCrypto } from './vector-crypto.ts';
import { rows as vectorFloat } from './vector-float.ts';
import { rows as vectorInteger } from './vector-integer.ts';
import { rows as vectorLanes } from './vector-lanes.ts';
import { rows as vectorMove } from './vector-move.ts';
import { rows as vectorShift } from './vector-shift.ts';
import { rows as vectorShuffle } from './vector-shuffle.ts';
import { rows as vectorString } from './vector-string.ts';
import { rows as x87Arithmetic } from './x87-arithmetic.ts';
import { rows as x87Control } from './x87-control.ts';
import { rows as x87Move } from './x87-move.ts';
import { rows as xsave } from './xsave.ts';

export interface Family {
  readonly title: string;
  readonly rows: readonly Row[];
}

export const FAMILIES: readonly Family[] = [
  { title: 'Moves between general registers and memory', rows: move },
  { title: 'Arithmetic and logic', rows: arithmetic },
  { title: 'Multiplication and division', rows: multiply },
  { title: 'Shifts and rotates', rows: shift },
  { title: 'Bits and bytes', rows: bits },
  { title: 'Stack and near control flow', rows: stack },
  { title: 'Strings', rows: strings },
  { title: 'Atomic operations', rows: atomic },
  { title: 'System', rows: system },
  { title: 'Changes of privilege level', rows: returns },
  { title: 'Saving and restoring state', rows: xsave },
  { title: 'x87 control', rows: x87Control },
  { title: 'x87 moves', rows: x87Move },
  { title: 'x87 arithmetic', rows: x87Arithmetic },
  { title: 'Vector moves', rows: vectorMove },
  { title: 'Packed integers', rows: vectorInteger },
  { title: 'Packed shifts', rows: vectorShift },
  { title: 'Shuffles', rows: vectorShuffle },
  { title: 'AVX lanes', rows: vectorLanes },
  { title: 'Opmask registers', rows: opmask },
  { title: 'AVX-512', rows: evex },
  { title: 'AVX-512 compares', rows: evexCompare },
  { title: 'Vector strings', rows: vectorString },
  { title: 'Carry-less multiplication and AES', rows: vectorCrypto },
  { title: 'Floating point', rows: vectorFloat },
  { title: 'Conversions', rows: vectorConvert },
];
