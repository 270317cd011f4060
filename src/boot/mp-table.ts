/**
 * The MP table (Intel MultiProcessor Specification 1.4): processors, IOAPIC and interrupt wiring for kernels that do without
 * ACPI. Found by scanning the BIOS area for "_MP_".
 */
import { bytes, struct, u8, u16, u32 } from '../base/struct.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { GSI, IOAPIC, LAPIC, MP_TABLE } from '../memory/map.ts';
import { join, littleEndian } from './acpi/aml.ts';
import { IOAPIC_ID, TIMER_GSI } from './acpi/madt.ts';
import { ascii, checksum } from './acpi/table.ts';

/** MP floating pointer structure (4.1) and configuration table header (4.2). */
export const floatingPointer = struct(16, {
  signature: bytes(0, 4),
  table: u32(4),
  /** In units of 16 bytes. */
  length: u8(8),
  revision: u8(9),
  checksum: u8(10),
});
export const configurationHeader = struct(44, {
  signature: bytes(0, 4),
  length: u16(4),
  revision: u8(6),
  checksum: u8(7),
  oemId: bytes(8, 8),
  productId: bytes(16, 12),
  entries: u16(34),
  localApic: u32(36),
});

/** Specification 1.4. */
const REVISION = 4;
const LAPIC_VERSION = 0x14;
const IOAPIC_VERSION = 0x11;
const CPU_ENABLED = 1;
const CPU_BOOTSTRAP = 2;
/** Family 6, and the features every kernel asks for (FPU, APIC): only reported, never relied upon. */
const CPU_SIGNATURE = 0x600;
const CPU_FEATURES = 0x201;
const BUS_PCI = 0;
const BUS_ISA = 1;
/** Interrupt types (4.3.4). */
const INT = 0;
const NMI = 1;
const EXTINT = 3;
/** As the bus does it: ISA is edge triggered. */
const CONFORMS = 0;
const ACTIVE_HIGH_LEVEL = 0x0d;
const ALL_LOCAL_APICS = 0xff;

/** Writes floating pointer and table to MP_TABLE. */
export function writeMpTable(memory: GuestMemory, cpus: number): void {
  const table = MP_TABLE + floatingPointer.size;
  const { value, bytes: pointer } = floatingPointer.create();
  value.signature = ascii('_MP_');
  value.table = table;
  value.length = 1;
  value.revision = REVISION;
  value.checksum = checksum(pointer);
  memory.write(MP_TABLE, pointer);
  memory.write(table, mpTable(cpus));
}

export function mpTable(cpus: number): Uint8Array {
  const entries = [
    ...Array.from({ length: cpus }, (_, i) => processor(i)),
    bus(BUS_PCI, 'PCI'),
    bus(BUS_ISA, 'ISA'),
    [2, IOAPIC_ID, IOAPIC_VERSION, 1, ...littleEndian(IOAPIC, 4)],
    ...isaInterrupts(),
    ...pciInterrupts(),
    localInterrupt(EXTINT, 0),
    localInterrupt(NMI, 1),
  ];
  const out = join(new Uint8Array(configurationHeader.size), ...entries);
  const header = configurationHeader.over(out);
  header.signature = ascii('PCMP');
  header.length = out.length;
  header.revision = REVISION;
  header.oemId = ascii('TSLAUNCH');
  header.productId = ascii('TSLAUNCH    ');
  header.entries = entries.length;
  header.localApic = LAPIC;
  header.checksum = checksum(out);
  return out;
}

function processor(id: number): number[] {
  const flags = CPU_ENABLED | (id === 0 ? CPU_BOOTSTRAP : 0);
  const reserved = littleEndian(0, 8);
  return [
    0,
    id,
    LAPIC_VERSION,
    flags,
    ...littleEndian(CPU_SIGNATURE, 4),
    ...littleEndian(CPU_FEATURES, 4),
    ...reserved,
  ];
}

function bus(id: number, kind: string): number[] {
  return [1, id, ...ascii(kind.padEnd(6))];
}

/** What PCI does not use of the 16 ISA interrupts; 2 is the cascade, whose pin the timer has. */
function isaInterrupts(): number[][] {
  const pci: readonly number[] = GSI.pci;
  const sources = Array.from({ length: 16 }, (_, i) => i).filter(irq => irq !== 2 && !pci.includes(irq));
  return sources.map(irq =>
    interrupt(irq === GSI.sci ? ACTIVE_HIGH_LEVEL : CONFORMS, BUS_ISA, irq, irq === 0 ? TIMER_GSI : irq),
  );
}

/** INTA of each slot: every function of this machine uses that pin. The source is slot and pin (appendix D.3). */
function pciInterrupts(): number[][] {
  return Array.from({ length: 31 }, (_, i) => i + 1).map(slot =>
    interrupt(ACTIVE_HIGH_LEVEL, BUS_PCI, slot << 2, GSI.pci[slot % GSI.pci.length]!),
  );
}

function interrupt(flags: number, sourceBus: number, source: number, pin: number): number[] {
  return [3, INT, ...littleEndian(flags, 2), sourceBus, source, IOAPIC_ID, pin];
}

function localInterrupt(type: number, lint: number): number[] {
  return [4, type, ...littleEndian(CONFORMS, 2), BUS_ISA, 0, ALL_LOCAL_APICS, lint];
}
