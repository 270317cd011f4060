/** IPv4 addresses as numbers, for arithmetic, and back. */

/** 32 bits for dotted text that has been checked. */
export function ipNumber(text: string): number {
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

export function ipText(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 0xff).join('.');
}

/** The netmask of a prefix length, 0 to 32. */
export function netmask(prefix: number): number {
  return prefix === 0 ? 0 : (~0 << (32 - prefix)) >>> 0;
}
