/**
 * A DHCP server for exactly one client (RFC 2131, 4.3): the address is known before anybody asks, so there are no leases to keep,
 * and every request is answered from itself alone. Its client may be restarted, or replaced by another kernel, at any time.
 */
import { netmask } from '../ip.ts';
import { BOOT_REPLY, BOOT_REQUEST, type DhcpMessage, OPTION } from './dhcp-message.ts';

/** What the client is told. Addresses as numbers. */
export interface Lease {
  readonly host: number;
  readonly guest: number;
  readonly prefix: number;
  readonly nameServers: readonly number[];
  /** A single label (RFC 1123). */
  readonly hostName: string;
  readonly domain?: string | undefined;
  /** Bytes. */
  readonly mtu?: number | undefined;
  readonly seconds: number;
}

/** Message types (RFC 2132, 9.6). */
const DISCOVER = 1;
const OFFER = 2;
const REQUEST = 3;
const ACK = 5;
const NAK = 6;
const INFORM = 8;

/** The reply, or undefined where the protocol has none: to DECLINE and RELEASE, to replies, to what went through a relay. */
export function replyTo(request: DhcpMessage, lease: Lease): DhcpMessage | undefined {
  if (request.operation !== BOOT_REQUEST || request.relayAddress !== 0 || !isDevice(request.mac)) return undefined;
  switch (request.options.get(OPTION.messageType)?.[0]) {
    case undefined: // BOOTP, of which DHCP is an extension: an address for good (RFC 1534, 2)
      return reply(request, lease.guest, configuration(lease));
    case DISCOVER:
      return reply(request, lease.guest, [...opening(OFFER, lease), ...times(lease), ...configuration(lease)]);
    case REQUEST:
      return replyToRequest(request, lease);
    case INFORM: // it has an address, and wants the rest: no address, no times (4.3.5)
      return reply(request, 0, [...opening(ACK, lease), ...configuration(lease)]);
    default:
      return undefined;
  }
}

/** Which address a client means depends on the state it is in, which shows in what it fills in (4.3.2, table 4). */
function replyToRequest(request: DhcpMessage, lease: Lease): DhcpMessage | undefined {
  const server = addressIn(request, OPTION.serverId);
  if (server !== undefined && server !== lease.host) return undefined; // it chose another server
  const meant = addressIn(request, OPTION.requestedAddress) ?? request.clientAddress;
  if (meant === 0) return undefined;
  if (meant !== lease.guest) return { ...reply(request, 0, opening(NAK, lease)), clientAddress: 0 };
  return reply(request, lease.guest, [...opening(ACK, lease), ...times(lease), ...configuration(lease)]);
}

type Options = [number, Uint8Array][];

function reply(request: DhcpMessage, yourAddress: number, options: Options): DhcpMessage {
  return { ...request, operation: BOOT_REPLY, yourAddress, options: new Map(options) };
}

function opening(type: number, { host }: Lease): Options {
  return [
    [OPTION.messageType, Uint8Array.of(type)],
    [OPTION.serverId, word(host)],
  ];
}

/** Renewal and rebinding at half and seven eighths, as 4.4.5 has them by default. */
function times({ seconds }: Lease): Options {
  return [
    [OPTION.leaseTime, word(seconds)],
    [OPTION.renewalTime, word(Math.floor(seconds / 2))],
    [OPTION.rebindingTime, word(Math.floor((seconds * 7) / 8))],
  ];
}

function configuration({ prefix, host, nameServers, hostName, domain, mtu }: Lease): Options {
  const options: Options = [
    [OPTION.subnetMask, word(netmask(prefix))],
    [OPTION.router, word(host)],
    [OPTION.nameServers, Uint8Array.from(nameServers.flatMap(server => [...word(server)]))],
    [OPTION.hostName, Buffer.from(hostName)],
  ];
  if (domain !== undefined) options.push([OPTION.domainName, Buffer.from(domain)]);
  if (mtu !== undefined) options.push([OPTION.mtu, word(mtu).subarray(2)]);
  return options.filter(([, value]) => value.length > 0);
}

/** Absent: undefined. */
function addressIn(message: DhcpMessage, code: number): number | undefined {
  const value = message.options.get(code);
  return value && new DataView(value.buffer, value.byteOffset).getUint32(0);
}

function isDevice(mac: Uint8Array): boolean {
  return (mac[0]! & 1) === 0 && mac.some(byte => byte !== 0);
}

/** Four bytes, most significant first. */
function word(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
