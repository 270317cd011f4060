/**
 * `--tunnet local` on the guest's side of the tap: what the guest sends to a DHCP server never reaches the host, the launcher
 * answers it here. A message that is broken gets no answer, as if no server were there.
 */
import { log } from '../../../base/log.ts';
import type { Interceptor } from '../config.ts';
import { ipText } from '../ip.ts';
import { macBytes, macText, randomMac } from '../mac.ts';
import { BROADCAST_FLAG, buildDhcp, type DhcpMessage, OPTION, parseDhcp } from './dhcp-message.ts';
import { type Lease, replyTo } from './dhcp-server.ts';
import { buildDatagram, type Datagram, parseDatagram } from './internet.ts';

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const ALL_HOSTS = 0xffff_ffff;
const BROADCAST_MAC = new Uint8Array(6).fill(0xff);
const NAMES = ['BOOTP', 'DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK', 'RELEASE', 'INFORM'];
const DECLINE = 4;
const NAK = 6;

export class DhcpResponder implements Interceptor {
  readonly #name: string;
  readonly #lease: Lease;
  /** Where replies come from. Not the tap's own: ARP for the router's address is the host's to answer. */
  readonly #mac = macBytes(randomMac());

  /** `name` is the device's, for messages. */
  constructor(name: string, lease: Lease) {
    this.#name = name;
    this.#lease = lease;
  }

  /** UDP over IPv4 to port 67, as far as the first bytes tell: a port behind long IP options is looked for later. */
  wants(head: Uint8Array): boolean {
    if (head.length < 42 || head[12] !== 0x08 || head[13] !== 0x00 || head[23] !== 17) return false;
    const port = 14 + (head[14]! & 0x0f) * 4 + 2;
    return port + 1 >= head.length || head[port]! * 256 + head[port + 1]! === SERVER_PORT;
  }

  answer(frame: Uint8Array): Uint8Array | 'drop' | undefined {
    const datagram = parseDatagram(frame);
    if (datagram === undefined) return isSurelyDhcp(frame) ? 'drop' : undefined;
    if (datagram.destinationPort !== SERVER_PORT || !this.#isForUs(datagram)) return undefined;
    const request = parseDhcp(datagram.payload);
    if (request === undefined) return 'drop';
    const reply = replyTo(request, this.#lease);
    this.#narrate(request, reply);
    return reply === undefined ? 'drop' : this.#frame(request, reply);
  }

  /** A client that has an address asks the server it had it from; there may be others behind the host. */
  #isForUs({ destination }: Datagram): boolean {
    return destination === ALL_HOSTS || destination === this.#lease.host;
  }

  /** To the client's address if it has one, else to its MAC, else to all, as it asks (RFC 2131, 4.1). */
  #frame(request: DhcpMessage, reply: DhcpMessage): Uint8Array {
    const toAll = typeOf(reply) === NAK || (reply.clientAddress === 0 && (request.flags & BROADCAST_FLAG) !== 0);
    return buildDatagram({
      destinationMac: toAll ? BROADCAST_MAC : request.mac,
      sourceMac: this.#mac,
      source: this.#lease.host,
      destination: toAll ? ALL_HOSTS : reply.clientAddress || reply.yourAddress || ALL_HOSTS,
      sourcePort: SERVER_PORT,
      destinationPort: CLIENT_PORT,
      payload: buildDhcp(reply),
    });
  }

  #narrate(request: DhcpMessage, reply: DhcpMessage | undefined): void {
    const name = (message: DhcpMessage) => NAMES[typeOf(message)] ?? `type ${typeOf(message)}`;
    if (typeOf(request) === DECLINE) {
      const address = ipText(this.#lease.guest);
      log.warn(`${this.#name}: the guest declines ${address}, which another machine on its network seems to have.`);
    }
    if (!log.verbose) return;
    const answer = reply === undefined ? 'no answer' : `${name(reply)} ${ipText(reply.yourAddress)}`;
    log.narrate(this.#name, `DHCP ${name(request)} from ${macText(request.mac)}: ${answer}`);
  }
}

function typeOf(message: DhcpMessage): number {
  return message.options.get(OPTION.messageType)?.[0] ?? 0;
}

/** No good datagram, but one that says it goes to a DHCP server: a broken one, which is no business of the host's. */
function isSurelyDhcp(frame: Uint8Array): boolean {
  const port = 14 + (frame[14]! & 0x0f) * 4 + 2;
  const fragmentOffset = ((frame[20]! & 0x1f) << 8) | frame[21]!;
  return fragmentOffset === 0 && port + 1 < frame.length && frame[port]! * 256 + frame[port + 1]! === SERVER_PORT;
}
