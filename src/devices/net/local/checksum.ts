/** The internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words. */

/** The plain sum of big-endian words, an odd last byte padded with zero; good for up to 64 KiB. */
export function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes[i]! * 256 + bytes[i + 1]!;
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! * 256;
  return sum;
}

/** A plain sum with its carries added in: 16 bits. */
export function foldedSum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/** The checksum of `bytes`, on top of a plain sum that came before. 0 over bytes that hold their own right checksum. */
export function checksumOf(bytes: Uint8Array, before = 0): number {
  return ~foldedSum(before + sumWords(bytes)) & 0xffff;
}
