/** All rows of the emulator, and the index by which the decoder finds them. A family of instructions is a file; this joins them. */
import { FAMILIES } from './families.ts';
import type { Row } from './row.ts';

/** Every row, family by family. */
export const ROWS: readonly Row[] = FAMILIES.flatMap(family => family.rows);

const index = new Map<number, Row[]>();

/** `space`: 0 legacy, 1 VEX, 2 EVEX. */
function keyOf(space: 0 | 1 | 2, map: number, opcode: number): number {
  return (space << 12) | (map << 8) | opcode;
}

for (const row of ROWS) {
  // A register in the opcode's low three bits takes eight opcodes.
  const span = row.operands.some(({ kind }) => kind === 'Z') ? 8 : 1;
  for (let i = 0; i < span; i++) {
    const key = keyOf(row.evex ? 2 : row.vex ? 1 : 0, row.map, row.opcode + i);
    const rows = index.get(key);
    if (!rows) index.set(key, [row]);
    else {
      if (rows[0]!.modrm !== row.modrm) throw new RangeError(`${row.encoding} ${row.name}: ModRM or not?`);
      rows.push(row);
    }
  }
}

/** The rows of an opcode, or undefined; `space` is 0 for legacy encodings, 1 for VEX, 2 for EVEX. */
export function rowsFor(space: 0 | 1 | 2, map: number, opcode: number): readonly Row[] | undefined {
  return index.get(keyOf(space, map, opcode));
}
