/**
 * Lays the ACPI tables out in the BIOS area, where kernels that were told no address scan for the RSDP. Each address is known
 * before the table that points to it is made, so nothing is patched afterwards.
 */
import { alignUp } from '../../base/bits.ts';
import { bytes, struct, u8, u32, u64 } from '../../base/struct.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { ACPI_TABLES, ACPI_TABLES_ROOM, pciMmio64Window } from '../../memory/map.ts';
import { ramEnd } from '../range.ts';
import { join, littleEndian } from './aml.ts';
import { dsdt } from './dsdt.ts';
import { facs, fadt } from './fadt.ts';
import { madt } from './madt.ts';
import { spcr } from './spcr.ts';
import { ascii, checksum, OEM_ID, table } from './table.ts';

/** Root system description pointer, revision 2 (ACPI 6.4, 5.2.5.3). */
export const rsdpLayout = struct(36, {
  signature: bytes(0, 8),
  checksum: u8(8),
  oemId: bytes(9, 6),
  revision: u8(15),
  rsdt: u32(16),
  length: u32(20),
  xsdt: u64(24),
  extendedChecksum: u8(32),
});

/** FACS asks for 64; the others profit from not sharing cache lines with it. */
const ALIGNMENT = 64;

/** Writes all tables and returns the address of the RSDP. */
export function writeAcpiTables(memory: GuestMemory, cpus: number): number {
  let at = ACPI_TABLES + ALIGNMENT;
  const place = (contents: Uint8Array): number => {
    const address = at;
    if (address + contents.length > ACPI_TABLES + ACPI_TABLES_ROOM) {
      throw new RangeError(`ACPI tables for ${cpus} CPUs do not fit ${ACPI_TABLES_ROOM} bytes`);
    }
    memory.write(address, contents);
    at = alignUp(address + contents.length, ALIGNMENT);
    return address;
  };
  const facsAddress = place(facs());
  const dsdtAddress = place(dsdt({ cpus, mmio64: pciMmio64Window(ramEnd(memory)) }));
  const tables = [place(fadt(facsAddress, dsdtAddress)), place(madt(cpus)), place(spcr())];
  // 32-bit kernels may read the RSDT only.
  const rsdt = place(table('RSDT', 1, join(...tables.map(address => littleEndian(address, 4)))));
  const xsdt = place(table('XSDT', 1, join(...tables.map(address => littleEndian(address, 8)))));
  memory.write(ACPI_TABLES, rsdp(rsdt, xsdt));
  return ACPI_TABLES;
}

function rsdp(rsdt: number, xsdt: number): Uint8Array {
  const { value, bytes: out } = rsdpLayout.create();
  value.signature = ascii('RSD PTR ');
  value.oemId = OEM_ID;
  value.revision = 2;
  value.rsdt = rsdt;
  value.length = out.length;
  value.xsdt = BigInt(xsdt);
  // The first checksum covers what revision 0 had, the second one everything.
  value.checksum = checksum(out.subarray(0, 20));
  value.extendedChecksum = checksum(out);
  return out;
}
