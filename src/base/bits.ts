/** Arithmetic on addresses and register values. GPAs and sizes are plain numbers (safe integers), register words unsigned 32 bit. */

/** Access width in bytes that a register handler sees; wider accesses are split by the bus. */
export type Width = 1 | 2 | 4;

export const KiB = 1024;
export const MiB = 1024 * 1024;
export const GiB = 1024 * 1024 * 1024;

/** Rounds `value` up to a multiple of `alignment` (any positive integer). */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Rounds `value` down to a multiple of `alignment` (any positive integer). */
export function alignDown(value: number, alignment: number): number {
  return Math.floor(value / alignment) * alignment;
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && Math.log2(value) % 1 === 0;
}

/** All ones of a given width: what a read from an address that nobody owns returns. */
export function allOnes(width: Width): number {
  return width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff;
}

/** Little-endian unsigned read of 1, 2 or 4 bytes from plain bytes. */
export function readLe(bytes: Uint8Array, offset: number, width: Width): number {
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

/** Little-endian write of the low 1, 2 or 4 bytes of `value`. */
export function writeLe(bytes: Uint8Array, offset: number, width: Width, value: number): void {
  let rest = value >>> 0;
  for (let i = 0; i < width; i++) {
    bytes[offset + i] = rest & 0xff;
    rest >>>= 8;
  }
}

/** `0x` and lower-case hexadecimal digits, padded to `digits`. */
export function hex(value: number | bigint, digits = 0): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
