/** What the files of AVX-512 rows share: EVEX rows with their element size. */
import type { Execution } from './execution.ts';
import { type Row, type RowOptions, row } from './row.ts';

export type Run = (x: Execution) => void;
export const BYTES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8 };

/** `element` is the size of a lane that masks pick, 0 where none do. */
export function make(
  encoding: string,
  name: string,
  operands: string,
  run: Run,
  element: number,
  options: RowOptions = {},
): Row {
  return row(encoding, name, operands, run, { evex: true, element, feature: 'avx512vl', ...options });
}
