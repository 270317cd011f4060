import { describe, expect, it } from 'vitest';
import {
  busNumbers,
  ioPorts,
  ioWindow,
  irq,
  memoryWindow32,
  memoryWindow64,
  resources,
} from '../../../src/boot/acpi/resources.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('resource descriptors', () => {
  it('for ISA devices are small', () => {
    expect(hex(ioPorts(0x3f8, 8))).toBe('4701f803f8030108');
    expect(hex(irq(4))).toBe('221000');
    expect(hex(irq(15))).toBe('220080');
  });

  it('for windows say first, last and length', () => {
    expect(hex(busNumbers(0, 255))).toBe('880d00020c000000' + '0000ff0000000001');
    expect(hex(ioWindow(0xc000, 0xffff))).toBe('880d00010c03000000c0ffff00000040');
    expect(hex(memoryWindow32(0xc000_0000, 0xdfff_ffff))).toBe('871700000c0100000000000000c0ffffffdf0000000000000020');
    expect(hex(memoryWindow64(2 ** 36, 2 ** 37 - 1))).toBe(
      `8a2b00000c01${'00'.repeat(8)}0000000010000000ffffffff1f000000${'00'.repeat(8)}0000000010000000`,
    );
  });

  it('are closed by an end tag inside a buffer', () => {
    expect(hex(resources(irq(4)))).toBe('11080a0522100079' + '00');
  });
});
