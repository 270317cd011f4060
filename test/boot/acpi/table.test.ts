import { describe, expect, it } from 'vitest';
import { checksum, ioAddress, table, tableHeader } from '../../../src/boot/acpi/table.ts';
import { sum } from './walk.ts';

describe('an ACPI table', () => {
  it('has a header that fits its body', () => {
    const bytes = table('TEST', 3, Uint8Array.of(1, 2, 3));
    const header = tableHeader.over(bytes);
    expect([bytes.length, header.length, header.revision, sum(bytes)]).toEqual([39, 39, 3, 0]);
    expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe('TEST');
    expect(Buffer.from(header.oemId).toString()).toBe('TSLNCH');
    expect([...bytes.subarray(36)]).toEqual([1, 2, 3]);
  });

  it('sums to zero', () => {
    expect([checksum(Uint8Array.of()), checksum(Uint8Array.of(1)), checksum(Uint8Array.of(0xff, 0xff))]).toEqual([
      0, 0xff, 2,
    ]);
  });

  it('points to ports by generic addresses', () => {
    expect(Buffer.from(ioAddress(0xcf9, 1, 1)).toString('hex')).toBe('01080001f90c000000000000');
    expect(Buffer.from(ioAddress(0x600, 4, 2)).toString('hex')).toBe('012000020006000000000000');
  });
});
