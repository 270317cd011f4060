/**
 * DHCP messages as bytes (RFC 2131, 2; options by RFC 2132). The known package (`dhcp`) is a whole server that owns a UDP socket and
 * shows its codec to nobody; one message a lease is little enough to write here.
 */
import { MAC_BYTES } from '../mac.ts';

/** Codes of the options that are spoken here. */
export const OPTION = {
  subnetMask: 1,
  router: 3,
  nameServers: 6,
  hostName: 12,
  domainName: 15,
  mtu: 26,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  serverId: 54,
  renewalTime: 58,
  rebindingTime: 59,
} as const;

export const BOOT_REQUEST = 1;
export const BOOT_REPLY = 2;
/** The client wants its answers broadcast. */
export const BROADCAST_FLAG = 0x8000;

export interface DhcpMessage {
  /** {@link BOOT_REQUEST} or {@link BOOT_REPLY}. */
  readonly operation: number;
  readonly transaction: number;
  readonly flags: number;
  /** Addresses as numbers, 0 for none: the client's, if it has one and answers ARP; the one it is given; the relay's. */
  readonly clientAddress: number;
  readonly yourAddress: number;
  readonly relayAddress: number;
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** By code. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

const FIXED = 236;
const COOKIE = 0x6382_5363;
/** Relays and clients of BOOTP's days drop what is shorter (RFC 1542, 2.1). */
const SHORTEST = 300;
const HARDWARE_ETHERNET = 1;
const PAD = 0;
const END = 255;
const OVERLOAD = 52;
/** Lengths in bytes that options must have. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [OPTION.requestedAddress, 4],
  [OPTION.leaseTime, 4],
  [OVERLOAD, 1],
  [OPTION.messageType, 1],
  [OPTION.serverId, 4],
]);

/** Undefined for what is no well-formed message about an Ethernet card. */
export function parseDhcp(bytes: Uint8Array): DhcpMessage | undefined {
  if (bytes.length < FIXED + 5) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[1] !== HARDWARE_ETHERNET || bytes[2] !== MAC_BYTES || view.getUint32(FIXED) !== COOKIE) return undefined;
  const options = allOptions(bytes);
  if (options === undefined) return undefined;
  return {
    operation: bytes[0]!,
    transaction: view.getUint32(4),
    flags: view.getUint16(10),
    clientAddress: view.getUint32(12),
    yourAddress: view.getUint32(16),
    relayAddress: view.getUint32(24),
    mac: bytes.slice(28, 28 + MAC_BYTES),
    options,
  };
}

/** The options in the order of the map, after them the end and zeroes. */
export function buildDhcp(message: DhcpMessage): Uint8Array {
  const options = [...message.options].flatMap(([code, value]) => [code, value.length, ...value]);
  const bytes = new Uint8Array(Math.max(FIXED + 4 + options.length + 1, SHORTEST));
  const view = new DataView(bytes.buffer);
  bytes.set([message.operation, HARDWARE_ETHERNET, MAC_BYTES]);
  view.setUint32(4, message.transaction);
  view.setUint16(10, message.flags);
  view.setUint32(12, message.clientAddress);
  view.setUint32(16, message.yourAddress);
  view.setUint32(24, message.relayAddress);
  bytes.set(message.mac, 28);
  view.setUint32(FIXED, COOKIE);
  bytes.set([...options, END], FIXED + 4);
  return bytes;
}

/** Of the options field, and of the two fields that may hold more (RFC 2132, 9.3), in the order of RFC 3396, 5. */
function allOptions(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  if (!addOptions(options, bytes.subarray(FIXED + 4))) return undefined;
  const overload = options.get(OVERLOAD)?.[0] ?? 0;
  if (overload & 1 && !addOptions(options, bytes.subarray(108, FIXED))) return undefined;
  if (overload & 2 && !addOptions(options, bytes.subarray(44, 108))) return undefined;
  for (const [code, length] of LENGTHS) if ((options.get(code)?.length ?? length) !== length) return undefined;
  return options;
}

/** False when an option reaches past the field or the end is missing. Parts of one option are joined (RFC 3396, 7). */
function addOptions(options: Map<number, Uint8Array>, field: Uint8Array): boolean {
  for (let at = 0; at < field.length; ) {
    const code = field[at++]!;
    if (code === PAD) continue;
    if (code === END) return true;
    const length = field[at++];
    if (length === undefined || at + length > field.length) return false;
    const before = options.get(code) ?? [];
    options.set(code, Uint8Array.of(...before, ...field.subarray(at, at + length)));
    at += length;
  }
  return false;
}
