/** Who the drive is: standard INQUIRY data and vital product data (SPC-4, 6.6 and 7.8). */
import { asciiField, be16 } from './big-endian.ts';

/** Peripheral device type: CD or DVD, unit connected. */
const CD_DVD = 0x05;
const VENDOR = asciiField('TSLAUNCH', 8);
const PRODUCT = asciiField('CD-ROM', 16);
const REVISION = asciiField('1.0', 4);

const REMOVABLE = 0x80;
/** The version of SPC that it follows: SPC-3. */
const VERSION = 0x05;
/** Response data format 2, hierarchical addressing. */
const FORMAT = 0x12;
/** Takes several commands at a time. */
const COMMAND_QUEUE = 0x02;

export function standardInquiry(): number[] {
  const rest = [0, 0, COMMAND_QUEUE, ...VENDOR, ...PRODUCT, ...REVISION];
  return [CD_DVD, REMOVABLE, VERSION, FORMAT, rest.length, ...rest];
}

/** The same data for a logical unit that is not there (SPC-4, 6.6.2: peripheral qualifier 3, unknown type). */
export function absentInquiry(): number[] {
  return [0x7f, ...standardInquiry().slice(1)];
}

/** Page code to page body. */
const PAGES: Readonly<Record<number, (serial: string) => number[]>> = {
  // Supported pages.
  0: () => Object.keys(PAGES).map(Number),
  // Unit serial number.
  128: serial => asciiField(serial, serial.length),
  // Device identification: one designator of ASCII (2), by T10 vendor id (1).
  131: serial => {
    const designator = [...VENDOR, ...asciiField(serial, serial.length)];
    return [2, 1, 0, designator.length, ...designator];
  },
};

export function vitalProductData(page: number, serial: string): number[] | undefined {
  const body = PAGES[page]?.(serial);
  return body && [CD_DVD, page, ...be16(body.length), ...body];
}
