import { describe, expect, it } from 'vitest';
import { RegisterTable } from '../../src/bus/register-table.ts';

const table = new RegisterTable(12, [
  { name: 'id', offset: 0, width: 2, reset: 0x1234 },
  { name: 'control', offset: 2, width: 2, writable: 0x0ff0, reset: 0x0100 },
  { name: 'status', offset: 4, width: 2, clearedByOne: 0xf000, reset: 0xf00f },
  { name: 'class', offset: 8, width: 3, reset: 0x06_0001 },
]);
const fresh = () => {
  const bytes = new Uint8Array(12);
  table.reset(bytes);
  return bytes;
};

describe('RegisterTable', () => {
  it('changes writable bits only, whichever width the access has', () => {
    const bytes = fresh();
    expect(table.write(bytes, 0, 4, 0xffff_ffff)).toBe(true);
    expect(table.read(bytes, 0, 4)).toBe(0x0ff0_1234);
    table.write(bytes, 3, 1, 0);
    expect(table.read(bytes, 2, 2)).toBe(0x00f0);
    expect(table.write(bytes, 0, 2, 0xffff)).toBe(false);
  });

  it('clears status bits by ones and leaves them by zeroes', () => {
    const bytes = fresh();
    expect(table.write(bytes, 4, 2, 0)).toBe(false);
    table.write(bytes, 4, 2, 0x300f);
    expect(table.read(bytes, 4, 2)).toBe(0xc00f);
  });

  it('lets hardware set what software may not', () => {
    const bytes = fresh();
    table.poke(bytes, 'id', 0xabcd);
    table.poke(bytes, 'class', 0x01_0203);
    expect([table.read(bytes, 0, 2), table.read(bytes, 8, 4)]).toEqual([0xabcd, 0x01_0203]);
    expect(() => table.poke(bytes, 'nothing', 1)).toThrow('there is no register nothing');
  });

  it('drops what lies past the end', () => {
    const bytes = fresh();
    expect(table.write(bytes, 11, 4, 0xffff_ffff)).toBe(false);
    expect(table.read(bytes, 11, 4)).toBe(0);
  });

  it('names every byte', () => {
    expect([0, 1, 3, 6, 10, 99].map(offset => table.nameAt(offset))).toEqual([
      'id',
      'id[1]',
      'control[1]',
      undefined,
      'class[2]',
      undefined,
    ]);
  });

  it('refuses rows that overlap or do not fit', () => {
    const row = { name: 'a', offset: 0, width: 4 } as const;
    expect(() => new RegisterTable(8, [row, { name: 'b', offset: 3, width: 1 }])).toThrow('registers a and b overlap');
    expect(() => new RegisterTable(2, [row])).toThrow('register a reaches past');
  });
});
