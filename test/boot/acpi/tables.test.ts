import { describe, expect, it } from 'vitest';
import { writeAcpiTables } from '../../../src/boot/acpi/tables.ts';
import { ACPI_TABLES, ACPI_TABLES_ROOM } from '../../../src/memory/map.ts';
import { guestOf, MIB, memoryOf } from '../support/guest.ts';
import { findTables, sum } from './walk.ts';

describe('the ACPI tables', () => {
  it('are reached from the RSDP, by 32-bit and by 64-bit pointers alike', () => {
    const memory = guestOf(4);
    expect(writeAcpiTables(memory, 2)).toBe(ACPI_TABLES);
    const { viaRsdt, viaXsdt } = findTables(memory);
    expect([...viaXsdt.keys()]).toEqual(['FACP', 'APIC', 'SPCR']);
    expect([...viaRsdt]).toEqual([...viaXsdt]);
  });

  it('have an RSDP on a 16-byte boundary with two correct sums', () => {
    const memory = guestOf(4);
    const rsdp = memory.bytes(writeAcpiTables(memory, 1), 36);
    expect(Buffer.from(rsdp.subarray(0, 8)).toString()).toBe('RSD PTR ');
    expect([ACPI_TABLES % 16, sum(rsdp.subarray(0, 20)), sum(rsdp), rsdp[15]]).toEqual([0, 0, 0, 2]);
  });

  it('have correct sums and lengths, and do not overlap', () => {
    for (const cpus of [1, 32]) {
      const memory = guestOf(4);
      writeAcpiTables(memory, cpus);
      const { all } = findTables(memory);
      expect(all.map(table => table.signature).sort()).toEqual([
        'APIC',
        'DSDT',
        'FACP',
        'FACS',
        'RSDT',
        'SPCR',
        'XSDT',
      ]);
      const sorted = all.sort((a, b) => a.address - b.address);
      sorted.forEach((table, i) => {
        const next = sorted[i + 1]?.address ?? ACPI_TABLES + ACPI_TABLES_ROOM;
        expect(table.address + table.bytes.length).toBeLessThanOrEqual(next);
        if (table.signature !== 'FACS') expect([table.signature, sum(table.bytes)]).toEqual([table.signature, 0]);
      });
    }
  });

  it('hold nothing else than BIOS memory', () => {
    const memory = guestOf(4);
    writeAcpiTables(memory, 32);
    expect(memory.bytes(0, ACPI_TABLES).every(byte => byte === 0)).toBe(true);
    expect(memory.bytes(ACPI_TABLES + ACPI_TABLES_ROOM, MIB).every(byte => byte === 0)).toBe(true);
  });

  it('put the 64-bit window behind all RAM', () => {
    const window = (memory: ReturnType<typeof guestOf>) => {
      writeAcpiTables(memory, 1);
      const dsdt = findTables(memory).all.find(table => table.signature === 'DSDT')!.bytes;
      const at = Buffer.from(dsdt).indexOf(Buffer.from('8a2b00000c01', 'hex'));
      return new DataView(dsdt.buffer, dsdt.byteOffset + at).getBigUint64(14, true);
    };
    expect(window(guestOf(4))).toBe(1n << 36n);
    expect(window(memoryOf([0, 4 * MIB], [2 ** 36, MIB]))).toBe(2n << 36n);
  });
});
