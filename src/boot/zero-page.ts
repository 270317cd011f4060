/**
 * The zero page: `struct boot_params`, through which a Linux kernel learns everything its boot loader knows. Offsets from
 * Linux, Documentation/arch/x86/zero-page.rst and boot.rst; a field of the setup header stands at the same offset here as in
 * a bzImage file.
 */
import { KiB } from '../base/bits.ts';
import { bytes, struct, u8, u16, u32, u64 } from '../base/struct.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { COMMAND_LINE, HIGH_RAM_START, ZERO_PAGE } from '../memory/map.ts';
import { type E820Entry, e820Map } from './e820.ts';
import { lowRamEnd, type Range } from './range.ts';

export const ZERO_PAGE_SIZE = 4096;
/** The setup header begins here, in the file and in the zero page. */
export const SETUP_HEADER = 0x1f1;
/** And ends here at the latest: EDD data follow. */
export const SETUP_HEADER_END = 0x290;
/** "HdrS" */
export const HDRS = 0x5372_6448;
export const BOOT_FLAG = 0xaa55;
/** A boot loader without an assigned number. */
const LOADER_UNDEFINED = 0xff;

/** The fields that the launcher reads or writes. */
export const bootParams = struct(ZERO_PAGE_SIZE, {
  screenExtMemK: u16(0x002),
  screenIsVga: u8(0x00f),
  acpiRsdpAddr: u64(0x070),
  extRamdiskImage: u32(0x0c0),
  extRamdiskSize: u32(0x0c4),
  extCmdLinePtr: u32(0x0c8),
  altMemK: u32(0x1e0),
  e820Entries: u8(0x1e8),
  setupSects: u8(0x1f1),
  syssize: u32(0x1f4),
  bootFlag: u16(0x1fe),
  headerLength: u8(0x201),
  header: u32(0x202),
  version: u16(0x206),
  typeOfLoader: u8(0x210),
  loadflags: u8(0x211),
  code32Start: u32(0x214),
  ramdiskImage: u32(0x218),
  ramdiskSize: u32(0x21c),
  cmdLinePtr: u32(0x228),
  initrdAddrMax: u32(0x22c),
  kernelAlignment: u32(0x230),
  relocatableKernel: u8(0x234),
  xloadflags: u16(0x236),
  cmdlineSize: u32(0x238),
  payloadOffset: u32(0x248),
  payloadLength: u32(0x24c),
  prefAddress: u64(0x258),
  initSize: u32(0x260),
  e820Table: bytes(0x2d0, 20 * 128),
});

/** One entry of the table above: 20 bytes, packed. */
const e820Entry = struct(20, { start: u64(0), length: u64(8), type: u32(16) });

/** A vmlinux has no setup header of its own; this is what it would have to say. Version 2.12 is Linux 3.8. */
export function elfSetupHeader(commandLineMax: number): Uint8Array {
  const { value, bytes: page } = bootParams.create();
  value.bootFlag = BOOT_FLAG;
  value.header = HDRS;
  value.version = 0x20c;
  value.kernelAlignment = 0x100_0000;
  value.cmdlineSize = commandLineMax;
  return page.slice(SETUP_HEADER, SETUP_HEADER_END);
}

export interface ZeroPageInput {
  readonly memory: GuestMemory;
  /** The kernel's own setup header, from offset 0x1f1 on. */
  readonly setupHeader: Uint8Array;
  readonly initrd: Range | undefined;
  /** Where the RSDP lies, or undefined for a guest without ACPI. */
  readonly rsdp: number | undefined;
  /** Where the kernel's protected-mode code was loaded (bzImage only). */
  readonly code32Start?: number;
}

/** Writes the zero page to ZERO_PAGE; the command line is expected at COMMAND_LINE. */
export function writeZeroPage(input: ZeroPageInput): void {
  const { memory, initrd } = input;
  const page = memory.bytes(ZERO_PAGE, ZERO_PAGE_SIZE).fill(0);
  page.set(input.setupHeader.subarray(0, SETUP_HEADER_END - SETUP_HEADER), SETUP_HEADER);
  const params = bootParams.over(page);
  // No screen (screenIsVga stays 0). Kernels that distrust the E820 map fall back to a count of KiB above 1 MiB.
  const highKiB = (lowRamEnd(memory) - HIGH_RAM_START) / KiB;
  params.altMemK = highKiB;
  params.screenExtMemK = Math.min(highKiB, 0xfc00);
  params.typeOfLoader = LOADER_UNDEFINED;
  params.cmdLinePtr = COMMAND_LINE;
  params.acpiRsdpAddr = BigInt(input.rsdp ?? 0);
  if (input.code32Start !== undefined) params.code32Start = input.code32Start;
  if (initrd) {
    const [image, size] = [BigInt(initrd.start), BigInt(initrd.end - initrd.start)];
    params.ramdiskImage = Number(image & 0xffff_ffffn);
    params.extRamdiskImage = Number(image >> 32n);
    params.ramdiskSize = Number(size & 0xffff_ffffn);
    params.extRamdiskSize = Number(size >> 32n);
  }
  const map = e820Map(memory);
  params.e820Entries = map.length;
  map.forEach((entry, i) => {
    writeE820(params.e820Table, i, entry);
  });
}

function writeE820(table: Uint8Array, index: number, entry: E820Entry): void {
  const at = e820Entry.over(table, index * e820Entry.size);
  at.start = BigInt(entry.start);
  at.length = BigInt(entry.length);
  at.type = entry.type;
}
