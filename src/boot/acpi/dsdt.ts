/**
 * The DSDT: the machine's devices that no bus can discover, and how the PCI root is wired. It holds data only, no methods, so
 * a guest has nothing to interpret at run time.
 */
import { GSI, PCI_IO_END, PCI_IO_START, PCI_MMIO_END, PCI_MMIO_START, PORT, SLEEP_TYPE_S5 } from '../../memory/map.ts';
import { type Aml, device, eisaId, integer, join, name, pkg, scope, string } from './aml.ts';
import { busNumbers, ioPorts, ioWindow, irq, memoryWindow32, memoryWindow64, resources } from './resources.ts';
import { table } from './table.ts';

/** Revision 2: integers have 64 bits. */
const REVISION = 2;
const SLOTS = 32;
const PINS = 4;
/** Edge or level selection of the interrupt controllers, beside the PICs. */
const ELCR = 0x4d0;

export interface DsdtInput {
  readonly cpus: number;
  /** Window for 64-bit BARs. */
  readonly mmio64: { readonly start: number; readonly length: number };
}

export function dsdt(input: DsdtInput): Uint8Array {
  const devices = [pciRoot(input), motherboard(), serial(), rtc(), ...processors(input.cpus)];
  return table('DSDT', REVISION, join(scope('\\_SB', ...devices), softOff()));
}

/** SLP_TYP for PM1a and PM1b control, and two reserved elements (7.4.2). */
function softOff(): Aml {
  return name('\\_S5', pkg(integer(SLEEP_TYPE_S5), integer(SLEEP_TYPE_S5), integer(0), integer(0)));
}

function pciRoot({ mmio64 }: DsdtInput): Aml {
  const windows = resources(
    busNumbers(0, 0),
    ioPorts(PORT.pciAddress, 8),
    ioWindow(PCI_IO_START, PCI_IO_END - 1),
    memoryWindow32(PCI_MMIO_START, PCI_MMIO_END - 1),
    memoryWindow64(mmio64.start, mmio64.start + mmio64.length - 1),
  );
  return device(
    'PCI0',
    name('_HID', eisaId('PNP0A03')),
    name('_UID', integer(0)),
    name('_BBN', integer(0)),
    name('_CRS', windows),
    name('_PRT', routing()),
  );
}

/** Each entry: slot and "any function", pin (0 is INTA), no link device, global system interrupt (6.2.13). */
function routing(): Aml {
  const entries: Aml[] = [];
  for (let slot = 1; slot < SLOTS; slot++) {
    const gsi = GSI.pci[slot % GSI.pci.length]!;
    for (let pin = 0; pin < PINS; pin++) {
      entries.push(pkg(integer(slot * 0x1_0000 + 0xffff), integer(pin), integer(0), integer(gsi)));
    }
  }
  return pkg(...entries);
}

/** Ports that belong to the board itself, so that nobody puts a BAR there. */
function motherboard(): Aml {
  const ports = resources(ioPorts(ELCR, 2), ioPorts(PORT.acpiPm, 8));
  return device('MBRD', name('_HID', eisaId('PNP0C02')), name('_UID', integer(0)), name('_CRS', ports));
}

function serial(): Aml {
  const ports = resources(ioPorts(PORT.serial1, 8), irq(GSI.serial1));
  return device('COM1', name('_HID', eisaId('PNP0501')), name('_UID', integer(1)), name('_CRS', ports));
}

/** Without an interrupt: this clock tells the time only. */
function rtc(): Aml {
  return device('RTC', name('_HID', eisaId('PNP0B00')), name('_CRS', resources(ioPorts(PORT.cmosIndex, 2))));
}

/** One for each local APIC in the MADT, under the same _UID (8.4). */
function processors(cpus: number): Aml[] {
  return Array.from({ length: cpus }, (_, i) =>
    device(
      `C${i.toString(16).toUpperCase().padStart(3, '0')}`,
      name('_HID', string('ACPI0007')),
      name('_UID', integer(i)),
    ),
  );
}
