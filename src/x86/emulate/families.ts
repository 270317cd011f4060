/** The families of emulated instructions, in the order in which the documentation lists them. */
import { rows as arithmetic } from './arithmetic.ts';
import { rows as atomic } from './atomic.ts';
import { rows as bits } from './bits.ts';
import { rows as move } from './move.ts';
import { rows as multiply } from './multiply.ts';
import type { Row } from './row.ts';
import { rows as shift } from './shift.ts';
import { rows as stack } from './stack.ts';
import { rows as strings } from './strings.ts';

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
];
