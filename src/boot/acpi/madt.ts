/** The MADT: local APICs, the IOAPIC, and how its pins differ from a plain ISA bus (ACPI 6.4, 5.2.12). */
import { GSI, IOAPIC, LAPIC } from '../../memory/map.ts';
import { join, littleEndian } from './aml.ts';
import { table } from './table.ts';

const REVISION = 4;
/** The machine also has two 8259 PICs, which a kernel has to mask. */
const PCAT_COMPAT = 1;
const ENABLED = 1;
/** As in MPS INTI flags: active high and level triggered. KVM's IOAPIC ignores polarity; level is what matters. */
const ACTIVE_HIGH_LEVEL = 0x0d;
const ALL_PROCESSORS = 0xff;
/** The local APIC's input for non-maskable interrupts. */
const NMI_LINT = 1;

/** KVM's IOAPIC says 0 in its own identity register; IOAPICs and local APICs count apart. */
export const IOAPIC_ID = 0;
/** The timer of an AT is IRQ 0, but the IOAPIC has it on pin 2. */
export const TIMER_GSI = 2;

/** `cpus` processors whose APIC identities count from 0. */
export function madt(cpus: number): Uint8Array {
  const localApics = Array.from({ length: cpus }, (_, i) => [0, 8, i, i, ...littleEndian(ENABLED, 4)]);
  const ioapic = [1, 12, IOAPIC_ID, 0, ...littleEndian(IOAPIC, 4), ...littleEndian(0, 4)];
  const level = [GSI.sci, ...GSI.pci].sort((a, b) => a - b);
  const overrides = [override(0, TIMER_GSI, 0), ...level.map(gsi => override(gsi, gsi, ACTIVE_HIGH_LEVEL))];
  const nmi = [4, 6, ALL_PROCESSORS, ...littleEndian(0, 2), NMI_LINT];
  const head = [...littleEndian(LAPIC, 4), ...littleEndian(PCAT_COMPAT, 4)];
  return table('APIC', REVISION, join(head, ...localApics, ioapic, ...overrides, nmi));
}

/** Interrupt source override: ISA interrupt `source` arrives at `gsi`. */
function override(source: number, gsi: number, flags: number): number[] {
  return [2, 10, 0, source, ...littleEndian(gsi, 4), ...littleEndian(flags, 2)];
}
