/**
 * Reads the setup header of a bzImage (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"): what the file
 * holds, how it wants to be loaded and what it can take. Fields that a header is too old for get the values the document gives.
 */
import { alignUp, hex, isPowerOfTwo, KiB, MiB } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { HIGH_RAM_START, PCI_HOLE_END } from '../../memory/map.ts';
import type { KernelSource } from '../source.ts';
import { BOOT_FLAG, bootParams, HDRS, SETUP_HEADER, SETUP_HEADER_END, ZERO_PAGE_SIZE } from '../zero-page.ts';

export interface BzImage {
  /** Boot protocol, high byte major: 0x20f is 2.15. */
  readonly version: number;
  /** The setup header as it goes into the zero page. */
  readonly setupHeader: Uint8Array;
  /** The protected-mode code: where in the file, and how many bytes. */
  readonly offset: number;
  readonly size: number;
  /** The kernel offers a 64-bit entry at 0x200. */
  readonly entry64: boolean;
  /** Physical address to load at. */
  readonly loadAddress: number;
  /** From the kernel's runtime start, memory it needs before it has read the memory map. In bytes. */
  readonly initSize: number;
  readonly initrdMax: number;
  readonly initrdAbove4G: boolean;
  /** Longest command line, without the final zero. */
  readonly commandLineMax: number;
}

const SECTOR = 512;
/** 2.06, Linux 2.6.22: the first whose header says how long a command line may be. */
const OLDEST = 0x206;
const LOADED_HIGH = 0x01;
const XLF_KERNEL_64 = 0x01;
const XLF_CAN_BE_LOADED_ABOVE_4G = 0x02;
const DEFAULT_INITRD_MAX = 0x37ff_ffff;
const DEFAULT_COMMAND_LINE = 255;

/** True if the file has the setup header's mark. */
export function isBzImage(head: Uint8Array): boolean {
  if (head.length < SETUP_HEADER_END) return false;
  const params = bootParams.over(padded(head));
  return params.header === HDRS && params.bootFlag === BOOT_FLAG;
}

/** `head` is the beginning of a file that {@link isBzImage} says yes to. Throws UsageError. */
export function parseBzImage(source: KernelSource, head: Uint8Array): BzImage {
  const page = padded(head);
  const raw = bootParams.over(page);
  const { version } = raw;
  if (version < OLDEST) {
    throw new UsageError(
      `${source.path} is a bzImage of boot protocol ${protocol(version)}; tslaunch needs 2.06 (Linux 2.6.22) or later.`,
      'Use a newer kernel.',
    );
  }
  // The byte after the jump instruction's opcode says where the header ends; what lies behind is code.
  const end = Math.min(0x202 + raw.headerLength, SETUP_HEADER_END);
  const setupHeader = page.slice(SETUP_HEADER, end);
  const header = bootParams.over(padded(setupHeader, SETUP_HEADER));
  if (!(header.loadflags & LOADED_HIGH)) {
    throw new UsageError(`${source.path} is a zImage, which loads below 1 MiB.`, 'Use the bzImage of the same kernel.');
  }
  const offset = ((header.setupSects || 4) + 1) * SECTOR;
  const size = header.syssize * 16;
  // The build rounds the size up to 16 bytes, but not always the file.
  if (size === 0 || offset + size - 15 > source.size) {
    throw new UsageError(
      `${source.path} is cut short: it should have ${offset + size} bytes but has ${source.size}.`,
      'Copy the kernel again.',
    );
  }
  const loadAddress = chooseAddress(source, header);
  const [xlf, modern] = [version >= 0x20c ? header.xloadflags : 0, version >= 0x20a];
  return {
    ...{ version, setupHeader, offset, loadAddress },
    size: Math.min(size, source.size - offset),
    entry64: (xlf & XLF_KERNEL_64) !== 0,
    // Before 2.10 nobody says how much a kernel unpacks to; four times is more than gzip reached.
    initSize: modern && header.initSize > 0 ? header.initSize : 4 * size,
    initrdMax: header.initrdAddrMax || DEFAULT_INITRD_MAX,
    initrdAbove4G: (xlf & XLF_CAN_BE_LOADED_ABOVE_4G) !== 0,
    commandLineMax: header.cmdlineSize || DEFAULT_COMMAND_LINE,
  };
}

/** "2.15" for 0x20f. */
export function protocol(version: number): string {
  return `${version >> 8}.${String(version & 0xff).padStart(2, '0')}`;
}

/** pref_address exists since 2.10; before, a kernel is loaded at 1 MiB and, if it may be moved, aligned as it asks. */
function chooseAddress(
  source: KernelSource,
  header: { version: number; prefAddress: bigint; relocatableKernel: number; kernelAlignment: number },
): number {
  const preferred = header.version >= 0x20a ? Number(header.prefAddress) : 0;
  if (preferred >= PCI_HOLE_END) throw damaged(source, `pref_address ${hex(preferred)}`);
  if (preferred >= HIGH_RAM_START) return preferred;
  if (!header.relocatableKernel) return HIGH_RAM_START;
  const alignment = header.kernelAlignment;
  if (!isPowerOfTwo(alignment) || alignment < 4 * KiB || alignment > 1024 * MiB) {
    throw damaged(source, `kernel_alignment ${hex(alignment)}`);
  }
  return alignUp(HIGH_RAM_START, alignment);
}

function damaged(source: KernelSource, what: string): UsageError {
  return new UsageError(`${source.path} has a damaged setup header (${what}).`, 'Copy or build the kernel again.');
}

function padded(bytes: Uint8Array, at = 0): Uint8Array {
  const page = new Uint8Array(ZERO_PAGE_SIZE);
  page.set(bytes.subarray(0, ZERO_PAGE_SIZE - at), at);
  return page;
}
