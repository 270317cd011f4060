/** The header that every ACPI table begins with (ACPI 6.4, 5.2.6), checksums, and the generic address structure. */
import { bytes, struct, u8, u32, u64 } from '../../base/struct.ts';

export const HEADER_SIZE = 36;

export const tableHeader = struct(HEADER_SIZE, {
  signature: bytes(0, 4),
  length: u32(4),
  revision: u8(8),
  checksum: u8(9),
  oemId: bytes(10, 6),
  oemTableId: bytes(16, 8),
  oemRevision: u32(24),
  creatorId: bytes(28, 4),
  creatorRevision: u32(32),
});

export const OEM_ID = ascii('TSLNCH');
const OEM_TABLE_ID = ascii('TSLAUNCH');
const CREATOR_ID = ascii('TSLN');

/** A whole table, header and checksum included. `body` is what follows the 36 bytes of the header. */
export function table(signature: string, revision: number, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEADER_SIZE + body.length);
  out.set(body, HEADER_SIZE);
  const header = tableHeader.over(out);
  header.signature = ascii(signature);
  header.length = out.length;
  header.revision = revision;
  header.oemId = OEM_ID;
  header.oemTableId = OEM_TABLE_ID;
  header.oemRevision = 1;
  header.creatorId = CREATOR_ID;
  header.creatorRevision = 1;
  header.checksum = checksum(out);
  return out;
}

/** The value that makes the sum of all bytes 0 modulo 256, where the checksum byte itself is still 0. */
export function checksum(bytes: Uint8Array): number {
  return -bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Generic address structure (5.2.3.2), 12 bytes. */
export const genericAddress = struct(12, {
  space: u8(0),
  bits: u8(1),
  bitOffset: u8(2),
  access: u8(3),
  address: u64(4),
});

const SYSTEM_IO = 1;

/** Registers in I/O space: `width` bytes in all, accessed `access` bytes at a time. */
export function ioAddress(port: number, width: number, access: 1 | 2): Uint8Array {
  const { value, bytes: out } = genericAddress.create();
  value.space = SYSTEM_IO;
  value.bits = width * 8;
  value.access = access;
  value.address = BigInt(port);
  return out;
}
