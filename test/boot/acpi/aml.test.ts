import { describe, expect, it } from 'vitest';
import {
  buffer,
  device,
  eisaId,
  integer,
  join,
  littleEndian,
  name,
  nameString,
  packageLength,
  pkg,
  scope,
  string,
} from '../../../src/boot/acpi/aml.ts';

const hex = (bytes: Uint8Array | readonly number[]) => Buffer.from(bytes).toString('hex');

describe('AML', () => {
  it('encodes integers as short as possible', () => {
    const cases = [0, 1, 2, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, 0x10_0000_0000];
    expect(cases.map(value => hex(integer(value)))).toEqual([
      ...['00', '01', '0a02', '0aff', '0b0001', '0bffff', '0c00000100', '0cffffffff'],
      ...['0e0000000001000000', '0e0000000010000000'],
    ]);
  });

  it('counts a package length itself, in one to four bytes', () => {
    // ACPI 6.4, 20.2.4: bits 7-6 of the lead byte count the bytes that follow; then only its low four bits are length.
    const length = (bytes: number[]) =>
      bytes.length === 1 ? bytes[0]! : (bytes[0]! & 0xf) + 16 * bytes.slice(1).reduce((v, b, i) => v + b * 256 ** i, 0);
    for (const content of [0, 1, 62, 63, 64, 4092, 4093, 4094, 1_048_571, 1_048_572, 1_048_573, 2_000_000]) {
      const bytes = packageLength(content);
      expect(length(bytes)).toBe(content + bytes.length);
      expect(bytes[0]! >> 6).toBe(bytes.length - 1);
    }
    expect([62, 63, 4093, 4094].map(content => packageLength(content).length)).toEqual([1, 2, 2, 3]);
    expect(() => packageLength(2 ** 28)).toThrow(RangeError);
  });

  it('pads names with underscores and knows the root', () => {
    expect(Buffer.from(nameString('\\_SB')).toString()).toBe('\\_SB_');
    expect(Buffer.from(nameString('C00A')).toString()).toBe('C00A');
    for (const wrong of ['', 'pci0', '0ABC', 'TOOLONG', '\\']) expect(() => nameString(wrong)).toThrow(RangeError);
  });

  it('packs plug-and-play identifiers', () => {
    expect(hex(eisaId('PNP0A03'))).toBe('0c41d00a03');
    expect(hex(eisaId('PNP0501'))).toBe('0c41d00501');
    expect(() => eisaId('ACPI0007')).toThrow(RangeError);
  });

  it('nests terms', () => {
    expect(hex(name('_UID', integer(1)))).toBe('085f55494401');
    expect(hex(string('AB'))).toBe('0d414200');
    expect(hex(buffer(Uint8Array.of(7, 8)))).toBe('11050a020708');
    expect(hex(pkg(integer(0), integer(5)))).toBe('120502000a05');
    expect(hex(scope('\\_SB', device('DEV0')))).toBe(
      `100d5c${hex(Buffer.from('_SB_'))}5b8205${hex(Buffer.from('DEV0'))}`,
    );
    expect(() => pkg(...Array.from({ length: 256 }, () => integer(0)))).toThrow(RangeError);
  });

  it('joins and spreads bytes', () => {
    expect(hex(join([1], Uint8Array.of(2, 3), []))).toBe('010203');
    expect(littleEndian(0x1f_ffff_ffff, 8)).toEqual([0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0]);
  });
});
