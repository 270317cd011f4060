/**
 * MAC addresses as text: checked and brought into one form where a user writes one, made up where nobody did. A device's own
 * address is unicast (IEEE 802, bit 0 of the first byte clear); one that is made up is also locally administered (bit 1 set),
 * so that it never is that of a real card.
 */
import { createHash, randomBytes } from 'node:crypto';

/** Bytes of a MAC address. */
export const MAC_BYTES = 6;
const GROUP = 0x01;
const LOCAL = 0x02;

/** Why a text is no address for a device, as the end of a sentence; undefined: it is one. */
export function whyNoMac(text: string): string | undefined {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) return 'is not six hexadecimal bytes with colons between';
  const bytes = macBytes(text);
  if (bytes.every(byte => byte === 0xff)) return 'is the broadcast address, not that of a device';
  if (bytes[0]! & GROUP) return 'is a multicast address (its first byte is odd), not that of a device';
  if (bytes.every(byte => byte === 0)) return 'is no address of a device';
  return undefined;
}

/** Lower case, two digits a byte. The text is six hexadecimal bytes with colons. */
export function normalMac(text: string): string {
  return macText(macBytes(text));
}

export function macBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(':'), byte => Number.parseInt(byte, 16));
}

export function macText(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, MAC_BYTES), byte => byte.toString(16).padStart(2, '0')).join(':');
}

/** An address that nobody else has, in all likelihood: 46 random bits. */
export function randomMac(): string {
  return ours(randomBytes(MAC_BYTES));
}

/** The same address for the same words, always: for a guest that should find its network card again. */
export function macFor(...words: readonly string[]): string {
  return ours(createHash('sha256').update(JSON.stringify(words)).digest());
}

function ours(bytes: Uint8Array): string {
  const mac = Uint8Array.from(bytes.subarray(0, MAC_BYTES));
  mac[0] = (mac[0]! & ~GROUP) | LOCAL;
  return macText(mac);
}
