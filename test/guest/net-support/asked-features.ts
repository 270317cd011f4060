// What Linux's network driver asks devices for is a table in its kernel's memory. A test finds that table in the kernel's file and writes
// another into a running guest, so that a stock driver does without what the device offers.
import { readFileSync } from 'node:fs';
import { parseElf } from '../../../src/boot/elf/parse.ts';
import { TestFile } from '../../boot/support/guest.ts';

/** How the driver's list begins (VIRTNET_FEATURES in drivers/net/virtio_net.c). */
const BEGINNING = [0, 1, 5, 11, 14, 12, 13, 7, 8, 9, 10, 15, 16, 17];
/**
 * What its list for devices of old times has besides, at its end: GSO and ANY_LAYOUT. That one must stay as it is: Linux stops where a driver
 * looks at a feature that is in neither list.
 */
const LEGACY_END = [6, 27];
/** Asked for twice it means no more than once, and every device has it: VIRTIO_NET_F_MAC. */
const HARMLESS = 5;

export interface AskedFeatures {
  /** Where the table is in guest memory. */
  readonly address: number;
  /** Numbers of features, one in each 32-bit word. */
  readonly numbers: readonly number[];
}

/** Throws unless there is exactly one such table in an uncompressed kernel. */
export function askedFeatures(vmlinux: string): AskedFeatures {
  const bytes = readFileSync(vmlinux);
  const places = placesOf(bytes, words(BEGINNING));
  if (places.length !== 2) throw new Error(`${vmlinux} has ${places.length} tables of network features, not 2`);
  const [one, other] = places as [number, number];
  let length = BEGINNING.length;
  const at = (place: number, i: number) => bytes.readUInt32LE(place + 4 * i);
  while (at(one, length) === at(other, length)) length++;
  const isLegacy = (place: number) => LEGACY_END.every((number, i) => at(place, length + i) === number);
  if (isLegacy(one) === isLegacy(other)) throw new Error(`${vmlinux} has no table for old devices beside the other`);
  const place = isLegacy(one) ? other : one;
  const { segments } = parseElf(new TestFile(vmlinux, bytes), bytes);
  const segment = segments.find(({ offset, fileSize }) => place >= offset && place < offset + fileSize);
  if (!segment) throw new Error(`${vmlinux} does not load its table of network features`);
  return {
    address: segment.physical + place - segment.offset,
    numbers: Array.from({ length }, (_, i) => at(place, i)),
  };
}

/** A line for the guest's shell: from now on a driver asks for all but `refused`, a mask of feature bits. */
export function askForAllBut(refused: bigint, { address, numbers }: AskedFeatures): string {
  const table = words(numbers.map(number => ((refused >> BigInt(number)) & 1n ? HARMLESS : number)));
  const octal = [...table].map(byte => `\\${byte.toString(8)}`).join('');
  return `printf '${octal}' | dd of=/dev/mem bs=4 seek=${address / 4} 2>/dev/null`;
}

function words(numbers: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}

/** Where whole words are like that. */
function placesOf(bytes: Buffer, wanted: Buffer): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) if (at % 4 === 0) places.push(at);
  return places;
}
