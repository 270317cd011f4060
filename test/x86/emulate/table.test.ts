import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withTable } from '../../../fixtures/decode/instruction-table.ts';
import { row } from '../../../src/x86/emulate/row.ts';
import { ROWS, rowsFor } from '../../../src/x86/emulate/table.ts';

const nothing = (): void => {};

describe('the table of instructions', () => {
  it('is the one that the documentation shows', () => {
    const page = readFileSync(new URL('../../../docs/instructions.md', import.meta.url), 'utf8');
    expect(withTable(page) === page, 'run npx tsx fixtures/decode/cli.ts').toBe(true);
  });

  it('has no two rows for the same encoding', () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const { encoding, w, l, operands, name, modes } of ROWS) {
      const memory = operands.some(({ kind }) => kind === 'M') ? 'memory' : '';
      const register = operands.some(({ kind }) => 'RUT'.includes(kind)) ? 'register' : '';
      const key = [encoding, w, l, memory, register, modes].join(' ');
      if (seen.has(key)) twice.push(`${key}: ${seen.get(key)} and ${name}`);
      seen.set(key, name);
    }
    expect(twice).toEqual([]);
  });

  it('finds rows by opcode', () => {
    expect(rowsFor(0, 1, 0xb8)?.map(({ name }) => name)).toEqual(['popcnt']);
    expect(rowsFor(0, 0, 0x57)?.map(({ name }) => name)).toEqual(['push']);
    expect(rowsFor(1, 1, 0x6f)?.map(({ name }) => name)).toEqual(['vmovdqa', 'vmovdqu']);
    expect(rowsFor(0, 3, 0xff)).toBeUndefined();
  });

  it('refuses rows that are malformed', () => {
    expect(() => row('ZZ 01', 'bad', '', nothing)).toThrow(/ZZ 01 of bad/);
    expect(() => row('0F 01', 'bad', 'Xq', nothing)).toThrow(/operand Xq/);
  });
});
