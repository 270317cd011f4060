/**
 * One UDP datagram in an Ethernet frame, read and written: as much of IPv4 (RFC 791) and UDP (RFC 768) as DHCP stands on. What a
 * guest sends is not believed; whatever does not add up is no datagram.
 */
import { checksumOf, foldedSum, sumWords } from './checksum.ts';

export interface Datagram {
  /** Six bytes each. */
  readonly destinationMac: Uint8Array;
  readonly sourceMac: Uint8Array;
  /** Addresses as numbers. */
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

const ETHERNET = 14;
const ETHERTYPE_IPV4 = 0x0800;
const IP_HEADER = 20;
const UDP_HEADER = 8;
const PROTOCOL_UDP = 17;
const TIME_TO_LIVE = 64;
/** More-fragments bit and offset: anything there and this is not a whole datagram. */
const FRAGMENT = 0x3fff;

/** Undefined for everything but a whole UDP datagram with the lengths and checksums it should have. */
export function parseDatagram(frame: Uint8Array): Datagram | undefined {
  if (frame.length < ETHERNET + IP_HEADER + UDP_HEADER) return undefined;
  const view = viewOf(frame);
  if (view.getUint16(12) !== ETHERTYPE_IPV4) return undefined;
  const packet = frame.subarray(ETHERNET);
  const ip = viewOf(packet);
  const header = (packet[0]! & 0x0f) * 4;
  const total = ip.getUint16(2);
  if (packet[0]! >> 4 !== 4 || header < IP_HEADER || total > packet.length || total < header + UDP_HEADER)
    return undefined;
  if (packet[9] !== PROTOCOL_UDP || ip.getUint16(6) & FRAGMENT) return undefined;
  if (checksumOf(packet.subarray(0, header)) !== 0) return undefined;
  const udp = viewOf(packet.subarray(header, total));
  const length = udp.getUint16(4);
  if (length < UDP_HEADER || length > total - header) return undefined;
  const segment = packet.subarray(header, header + length);
  const source = ip.getUint32(12);
  const destination = ip.getUint32(16);
  if (!isIntact(segment, udp.getUint16(6), pseudoHeader(source, destination, length))) return undefined;
  return {
    destinationMac: frame.subarray(0, 6),
    sourceMac: frame.subarray(6, 12),
    source,
    destination,
    sourcePort: udp.getUint16(0),
    destinationPort: udp.getUint16(2),
    payload: segment.subarray(UDP_HEADER),
  };
}

/** The whole frame, checksums filled in. */
export function buildDatagram(datagram: Datagram): Uint8Array {
  const { payload, source, destination } = datagram;
  const length = UDP_HEADER + payload.length;
  const frame = new Uint8Array(ETHERNET + IP_HEADER + length);
  frame.set(datagram.destinationMac, 0);
  frame.set(datagram.sourceMac, 6);
  viewOf(frame).setUint16(12, ETHERTYPE_IPV4);
  const packet = frame.subarray(ETHERNET);
  const ip = viewOf(packet);
  packet[0] = 0x45; // version 4, a header of five words
  ip.setUint16(2, IP_HEADER + length);
  packet[8] = TIME_TO_LIVE;
  packet[9] = PROTOCOL_UDP;
  ip.setUint32(12, source);
  ip.setUint32(16, destination);
  ip.setUint16(10, checksumOf(packet.subarray(0, IP_HEADER)));
  const segment = packet.subarray(IP_HEADER);
  const udp = viewOf(segment);
  udp.setUint16(0, datagram.sourcePort);
  udp.setUint16(2, datagram.destinationPort);
  udp.setUint16(4, length);
  segment.set(payload, UDP_HEADER);
  // A checksum that comes out as 0 is sent as all ones; 0 means none.
  udp.setUint16(6, checksumOf(segment, pseudoHeader(source, destination, length)) || 0xffff);
  return frame;
}

/**
 * None, a right one, or one that a driver left to the device (VIRTIO_NET_F_CSUM): then the field holds the sum over the
 * pseudo-header alone (virtio 1.2, 5.1.6.2).
 */
function isIntact(segment: Uint8Array, field: number, pseudo: number): boolean {
  return field === 0 || field === foldedSum(pseudo) || checksumOf(segment, pseudo) === 0;
}

function pseudoHeader(source: number, destination: number, length: number): number {
  const bytes = new Uint8Array(12);
  const view = viewOf(bytes);
  view.setUint32(0, source);
  view.setUint32(4, destination);
  bytes[9] = PROTOCOL_UDP;
  view.setUint16(10, length);
  return sumWords(bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
