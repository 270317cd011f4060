import { expect, it } from 'vitest';
import { spcr } from '../../../src/boot/acpi/spcr.ts';

it('the SPCR names COM1 at 115200 baud, no PCI device', () => {
  const table = spcr();
  const view = new DataView(table.buffer);
  expect([table.length, table[36], Number(view.getBigUint64(44, true)), table[53], table[58]]).toEqual([
    80, 0, 0x3f8, 4, 7,
  ]);
  expect([view.getUint16(64, true), view.getUint16(66, true)]).toEqual([0xffff, 0xffff]);
});
