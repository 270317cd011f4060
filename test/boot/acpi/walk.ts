/** Finds ACPI tables in guest memory the way a kernel does, and checks of which bytes a sum is made. */
import type { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { ACPI_TABLES } from '../../../src/memory/map.ts';

export interface FoundTable {
  readonly signature: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

export const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0) & 0xff;

export function findTables(memory: GuestMemory): {
  viaRsdt: Map<string, number>;
  viaXsdt: Map<string, number>;
  all: FoundTable[];
} {
  const at = (address: number): FoundTable => {
    const bytes = memory.bytes(address, memory.u32(address + 4));
    return { signature: Buffer.from(bytes.subarray(0, 4)).toString(), address, bytes };
  };
  const rsdt = at(memory.u32(ACPI_TABLES + 16));
  const xsdt = at(Number(memory.u64(ACPI_TABLES + 24)));
  const listed = (root: FoundTable, width: 4 | 8) => {
    const addresses: number[] = [];
    for (let i = 36; i < root.bytes.length; i += width) {
      addresses.push(width === 4 ? memory.u32(root.address + i) : Number(memory.u64(root.address + i)));
    }
    return addresses;
  };
  const names = (addresses: number[]) => new Map(addresses.map(address => [at(address).signature, address]));
  const tables = listed(xsdt, 8).map(at);
  const fadt = tables.find(table => table.signature === 'FACP')!;
  const pointed = [memory.u32(fadt.address + 36), memory.u32(fadt.address + 40)].map(at);
  return {
    viaRsdt: names(listed(rsdt, 4)),
    viaXsdt: names(listed(xsdt, 8)),
    all: [rsdt, xsdt, ...tables, ...pointed],
  };
}
