/** SCSI numbers are big-endian, unlike everything else in a PC. */

export const be16 = (value: number): number[] => [(value >>> 8) & 0xff, value & 0xff];
export const be24 = (value: number): number[] => [(value >>> 16) & 0xff, ...be16(value)];
export const be32 = (value: number): number[] => [(value >>> 24) & 0xff, ...be24(value)];
/** A number below 2^53 in eight bytes. */
export const be64 = (value: number): number[] => [...be32(Math.floor(value / 2 ** 32)), ...be32(value % 2 ** 32)];

/** Reads `width` bytes as an unsigned number; exact below 2^53. Bytes beyond the end count as zero. */
export function readBe(bytes: Uint8Array, offset: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

/** ASCII in a field of `length` bytes, padded with blanks as SCSI wants it. */
export function asciiField(text: string, length: number): number[] {
  return [...new TextEncoder().encode(text.padEnd(length).slice(0, length))];
}
