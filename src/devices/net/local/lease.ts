/** What the guest on a `local` wire is told: its end of the wire, and what the host knows about names. */
import type { LocalAddresses } from '../config.ts';
import { ipNumber } from '../ip.ts';
import type { Lease } from './dhcp-server.ts';
import { type HostDns, hostDns } from './host-dns.ts';

/** A day: renewed after half of it, by a client that is still there. */
const SECONDS = 24 * 60 * 60;

/** `mtu` in bytes, where one was asked for. Without a name server that a guest could reach, the host's end of the wire is named. */
export function leaseFor(addresses: LocalAddresses, mtu?: number, dns: HostDns = hostDns()): Lease {
  const host = ipNumber(addresses.host);
  return {
    host,
    guest: ipNumber(addresses.guest),
    prefix: addresses.prefix,
    nameServers: dns.nameServers.length > 0 ? dns.nameServers : [host],
    hostName: `vm${(host >>> 8) & 0x3fff}`,
    domain: dns.domain,
    mtu,
    seconds: SECONDS,
  };
}
