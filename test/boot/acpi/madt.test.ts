import { describe, expect, it } from 'vitest';
import { madt } from '../../../src/boot/acpi/madt.ts';
import { GSI } from '../../../src/memory/map.ts';

function subtables(cpus: number): Uint8Array[] {
  const table = madt(cpus);
  const out: Uint8Array[] = [];
  for (let at = 44; at < table.length; at += table[at + 1]!) out.push(table.subarray(at, at + table[at + 1]!));
  return out;
}
const ofType = (cpus: number, type: number) => subtables(cpus).filter(entry => entry[0] === type);

describe('the MADT', () => {
  it('has the local APIC address and says that there are PICs', () => {
    const view = new DataView(madt(1).buffer);
    expect([view.getUint32(36, true), view.getUint32(40, true)]).toEqual([0xfee0_0000, 1]);
  });

  it('lists enabled local APICs for as many processors as there are', () => {
    for (const cpus of [1, 2, 32]) {
      expect(ofType(cpus, 0).map(e => [e[2], e[3], e[4]])).toEqual(Array.from({ length: cpus }, (_, i) => [i, i, 1]));
    }
  });

  it('has one IOAPIC from interrupt 0 on', () => {
    const [ioapic, ...more] = ofType(2, 1);
    expect(more).toEqual([]);
    expect(Buffer.from(ioapic!).toString('hex')).toBe('010c00000000c0fe00000000');
  });

  it('moves the timer to pin 2 and makes SCI and PCI lines level triggered', () => {
    const overrides = ofType(1, 2).map(e => [e[3]!, e[4]!, e[8]!]);
    expect(overrides[0]).toEqual([0, 2, 0]);
    expect(overrides.slice(1)).toEqual([GSI.sci, ...GSI.pci].sort((a, b) => a - b).map(gsi => [gsi, gsi, 0x0d]));
    expect(overrides.some(([source]) => source === GSI.serial1 || source === GSI.rtc)).toBe(false);
  });

  it('has NMI on LINT1 of every processor', () => {
    expect(ofType(4, 4).map(e => [...e])).toEqual([[4, 6, 0xff, 0, 0, 1]]);
  });
});
