/**
 * The few words of the BIOS data area that kernels read without asking a BIOS: where conventional memory ends, where the
 * extended area begins (both searched for tables), and which serial port exists. IBM PC/AT technical reference, "BIOS data area".
 */
import { KiB } from '../base/bits.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { BIOS_DATA, EBDA, PORT } from '../memory/map.ts';

const COM1 = BIOS_DATA;
/** Segment of the extended BIOS data area. */
const EBDA_SEGMENT = BIOS_DATA + 0x0e;
/** Conventional memory in KiB. */
const BASE_MEMORY = BIOS_DATA + 0x13;
/** What lies between the EBDA and video memory, in KiB: told by the area's first byte. */
const EBDA_KIB = 1;

export function writeBiosData(memory: GuestMemory): void {
  memory.setU16(COM1, PORT.serial1);
  memory.setU16(EBDA_SEGMENT, EBDA >> 4);
  memory.setU16(BASE_MEMORY, EBDA / KiB);
  memory.setU8(EBDA, EBDA_KIB);
}
