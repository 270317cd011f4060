import { describe, expect, it } from 'vitest';
import { mpTable, writeMpTable } from '../../src/boot/mp-table.ts';
import { GSI, MP_TABLE } from '../../src/memory/map.ts';
import { guestOf } from './support/guest.ts';

const sum = (bytes: Uint8Array) => bytes.reduce((total, byte) => total + byte, 0) & 0xff;
const SIZES: Record<number, number> = { 0: 20, 1: 8, 2: 8, 3: 8, 4: 8 };

/** The entries behind the header, each with its type in front. */
function entries(table: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 44; at < table.length; at += out.at(-1)!.length) {
    out.push(table.subarray(at, at + SIZES[table[at]!]!));
  }
  return out;
}

describe('the MP table', () => {
  it('is found through a floating pointer in the BIOS area', () => {
    const memory = guestOf(4);
    writeMpTable(memory, 4);
    const pointer = memory.bytes(MP_TABLE, 16);
    expect(Buffer.from(pointer.subarray(0, 4)).toString()).toBe('_MP_');
    expect([MP_TABLE % 16, sum(pointer), pointer[8], pointer[9]]).toEqual([0, 0, 1, 4]);
    const at = memory.u32(MP_TABLE + 4);
    const table = memory.bytes(at, memory.u16(at + 4));
    expect(table).toEqual(mpTable(4));
    expect(at + table.length).toBeLessThan(0x10_0000);
  });

  it('fits its room with 32 processors', () => {
    const memory = guestOf(4);
    writeMpTable(memory, 32);
    expect(memory.u32(MP_TABLE + 4) + mpTable(32).length).toBeLessThanOrEqual(0x10_0000);
  });

  it('has a correct sum, length and number of entries', () => {
    for (const cpus of [1, 2, 32]) {
      const table = mpTable(cpus);
      const view = new DataView(table.buffer);
      expect([sum(table), view.getUint16(4, true), view.getUint16(34, true)]).toEqual([
        ...[0, table.length, entries(table).length],
      ]);
      expect(view.getUint32(36, true)).toBe(0xfee0_0000);
      expect(Buffer.from(table.subarray(0, 4)).toString()).toBe('PCMP');
    }
  });

  it('lists the processors, the first as bootstrap', () => {
    const processors = entries(mpTable(3)).filter(entry => entry[0] === 0);
    expect(processors.map(entry => [entry[1], entry[3]])).toEqual([
      [0, 3],
      [1, 1],
      [2, 1],
    ]);
  });

  it('wires ISA and PCI to distinct pins', () => {
    const all = entries(mpTable(1));
    expect(all.filter(e => e[0] === 1).map(e => Buffer.from(e.subarray(2)).toString())).toEqual(['PCI   ', 'ISA   ']);
    const wires = all.filter(entry => entry[0] === 3);
    const isa = wires.filter(entry => entry[4] === 1);
    const pci = wires.filter(entry => entry[4] === 0);
    expect(isa.find(entry => entry[5] === 0)?.[7]).toBe(2);
    expect(isa.find(entry => entry[5] === GSI.serial1)?.[7]).toBe(GSI.serial1);
    expect(isa.find(entry => entry[5] === GSI.sci)?.[2]).toBe(0x0d);
    expect(pci).toHaveLength(31);
    for (const entry of pci) {
      expect([entry[2], entry[5]! % 4, entry[7]]).toEqual([0x0d, 0, GSI.pci[(entry[5]! >> 2) % 8]]);
    }
    const pins = new Set(pci.map(entry => entry[7]));
    expect(isa.some(entry => pins.has(entry[7]))).toBe(false);
  });

  it('ends with ExtINT on LINT0 and NMI on LINT1 of every local APIC', () => {
    const local = entries(mpTable(2)).filter(entry => entry[0] === 4);
    expect(local.map(entry => [entry[1], entry[6], entry[7]])).toEqual([
      [3, 0xff, 0],
      [1, 0xff, 1],
    ]);
  });
});
