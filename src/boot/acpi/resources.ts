/** Resource descriptors: what a device occupies, as bytes of a _CRS buffer (ACPI 6.4, 6.4.2 and 6.4.3). */
import { type Aml, buffer, join, littleEndian } from './aml.ts';

/** Both ends of a bus's window are fixed; the bus passes the addresses on to its devices. */
const FIXED_PRODUCER = 0x0c;
const TYPE_MEMORY = 0;
const TYPE_IO = 1;
const TYPE_BUS = 2;
/** Non-cacheable, read and write. */
const READ_WRITE = 0x01;
/** The window takes ISA and non-ISA addresses alike. */
const ENTIRE_RANGE = 0x03;

/** A _CRS value: the descriptors with the end tag behind them. */
export function resources(...descriptors: readonly Uint8Array[]): Aml {
  return buffer(join(...descriptors, [0x79, 0]));
}

/** Fixed I/O ports, 16 bits decoded. */
export function ioPorts(first: number, count: number): Uint8Array {
  return join([0x47, 0x01], littleEndian(first, 2), littleEndian(first, 2), [0x01, count]);
}

/** An ISA interrupt: edge triggered, active high, not shared. */
export function irq(number: number): Uint8Array {
  return join([0x22], littleEndian(1 << number, 2));
}

export function busNumbers(first: number, last: number): Uint8Array {
  return join([0x88], littleEndian(13, 2), [TYPE_BUS, FIXED_PRODUCER, 0], window(2, first, last));
}

/** `last` is inside the window. */
export function ioWindow(first: number, last: number): Uint8Array {
  return join([0x88], littleEndian(13, 2), [TYPE_IO, FIXED_PRODUCER, ENTIRE_RANGE], window(2, first, last));
}

export function memoryWindow32(first: number, last: number): Uint8Array {
  return join([0x87], littleEndian(23, 2), [TYPE_MEMORY, FIXED_PRODUCER, READ_WRITE], window(4, first, last));
}

export function memoryWindow64(first: number, last: number): Uint8Array {
  return join([0x8a], littleEndian(43, 2), [TYPE_MEMORY, FIXED_PRODUCER, READ_WRITE], window(8, first, last));
}

/** Granularity, minimum, maximum, translation offset, length. */
function window(width: 2 | 4 | 8, first: number, last: number): Uint8Array {
  return join(...[0, first, last, 0, last - first + 1].map(value => littleEndian(value, width)));
}
