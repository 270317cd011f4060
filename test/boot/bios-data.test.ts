import { expect, it } from 'vitest';
import { writeBiosData } from '../../src/boot/bios-data.ts';
import { guestOf } from './support/guest.ts';

it('the BIOS data area tells serial port, EBDA and 639 KiB of memory', () => {
  const memory = guestOf(4);
  writeBiosData(memory);
  expect([memory.u16(0x400), memory.u16(0x40e) * 16, memory.u16(0x413)]).toEqual([0x3f8, 0x9_fc00, 639]);
  expect(memory.u8(0x9_fc00)).toBe(1);
});
