/**
 * The map of guest-physical addresses: every magic address of the machine, in one place. All values in bytes.
 *
 *     0x0000_0400  BIOS data area
 *     0x0000_0500  boot GDT            0x000f_0000  ACPI tables (RSDP first), MP table
 *     0x0000_7000  zero page           0x0010_0000  kernel and the rest of low RAM
 *     0x0000_9000  boot page tables    0xc000_0000  PCI hole: BAR window, IOAPIC, LAPIC
 *     0x0002_0000  command line        0x1_0000_0000  RAM beyond 3 GiB
 *     0x0009_fc00  EBDA
 */
import { alignUp, GiB, KiB, MiB } from '../base/bits.ts';

/** Words that a BIOS leaves to operating systems, 256 bytes. */
export const BIOS_DATA = 0x400;
/** Null, unused, code (0x10), data (0x18), task state (0x20): the selectors that the Linux boot protocol asks for. */
export const BOOT_GDT = 0x500;
/** Empty: an exception before the kernel has set up its own table ends in a triple fault. */
export const BOOT_IDT = 0x540;
/** `struct boot_params` of the Linux boot protocol, 4 KiB. */
export const ZERO_PAGE = 0x7000;
/** PVH `hvm_start_info`, its module list and memory map, inside one page. */
export const PVH_START_INFO = 0x6000;
/** PML4, then one page-directory-pointer table, then page directories. */
export const BOOT_PAGE_TABLES = 0x9000;
export const BOOT_STACK = 0x8ff0;
export const COMMAND_LINE = 0x2_0000;
/** Room for the command line, terminating zero included; the kernel's own `cmdline_size` is usually smaller. */
export const COMMAND_LINE_ROOM = 64 * KiB;
/** Extended BIOS data area: end of conventional memory. */
export const EBDA = 0x9_fc00;
export const BIOS_START = 0xf_0000;
export const ACPI_TABLES = 0xf_0000;
export const ACPI_TABLES_ROOM = 0xe000;
/** MP floating pointer structure; found by kernels that scan 0xf0000 to 0xfffff in 16-byte steps. */
export const MP_TABLE = 0xf_e000;
export const HIGH_RAM_START = 1 * MiB;

/** RAM below 4 GiB ends here at the latest; from here to 4 GiB is the PCI hole. */
export const PCI_HOLE_START = 3 * GiB;
export const PCI_HOLE_END = 4 * GiB;
/** Window for 32-bit memory BARs. */
export const PCI_MMIO_START = 0xc000_0000;
export const PCI_MMIO_END = 0xe000_0000;
/** Window for 64-bit BARs starts at the first multiple of this size behind RAM. */
export const PCI_MMIO64_SIZE = 64 * GiB;
/** Window for I/O BARs. */
export const PCI_IO_START = 0xc000;
export const PCI_IO_END = 0x1_0000;
export const IOAPIC = 0xfec0_0000;
export const LAPIC = 0xfee0_0000;
/** KVM needs four pages it owns on Intel: one identity map, three for a TSS (KVM_SET_IDENTITY_MAP_ADDR, KVM_SET_TSS_ADDR). */
export const KVM_IDENTITY_MAP = 0xfffb_c000;
export const KVM_TSS = 0xfffb_d000;

/** Least RAM that a guest may have, and the most (52-bit physical addresses leave room for far more). */
export const MIN_MEMORY = 4 * MiB;
export const MAX_MEMORY = 1024 * GiB;

/** I/O ports. */
export const PORT = {
  pic1: 0x20,
  pit: 0x40,
  i8042Data: 0x60,
  systemControlB: 0x61,
  i8042Command: 0x64,
  cmosIndex: 0x70,
  cmosData: 0x71,
  debug: 0x80,
  serial1: 0x3f8,
  pciAddress: 0xcf8,
  resetControl: 0xcf9,
  pciData: 0xcfc,
  /** ACPI power management block: PM1a event (4 bytes), PM1a control (2 bytes). */
  acpiPm: 0x600,
} as const;

/** Value of SLP_TYP for soft-off (ACPI S5): what \_S5 announces and the PM1a control register understands. */
export const SLEEP_TYPE_S5 = 5;

/** Global system interrupts. */
export const GSI = {
  serial1: 4,
  rtc: 8,
  /** ACPI system control interrupt, level triggered. */
  sci: 9,
  /** INTx lines of PCI functions: slot n uses entry n modulo 8. All below 16, so that PIC and IOAPIC kernels reach them. */
  pci: [5, 10, 11, 6, 7, 14, 15, 12],
  /** First GSI without an IOAPIC pin: MSI-X routes live from here up. */
  firstMsi: 24,
} as const;

/** Where RAM lies for a guest of `size` bytes: below the PCI hole, and the rest above 4 GiB. */
export function ramRanges(size: number): { gpa: number; length: number }[] {
  const low = Math.min(size, PCI_HOLE_START);
  const ranges = [{ gpa: 0, length: low }];
  if (size > low) ranges.push({ gpa: PCI_HOLE_END, length: size - low });
  return ranges;
}

/** The window for 64-bit BARs: the first multiple of its size that lies behind RAM which ends at `ramEnd` (and behind 4 GiB). */
export function pciMmio64Window(ramEnd: number): { start: number; length: number } {
  const start = alignUp(Math.max(ramEnd, PCI_HOLE_END), PCI_MMIO64_SIZE);
  return { start, length: PCI_MMIO64_SIZE };
}
