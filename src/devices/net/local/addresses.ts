/**
 * Addresses of `local` wires, laid out as OpenBSD's vmd does: 100.64.N.0/24 for a launcher, of that a /31 for each device, the
 * host's end even, the guest's odd (RFC 3021). 100.64.0.0/10 is set aside for such inner networks (RFC 6598), so it hardly ever
 * is the network that the host itself is in.
 */
import type { LocalAddresses } from '../config.ts';
import { ipNumber, ipText, netmask } from '../ip.ts';

/** An IPv4 network that the host has an address in, or a route to. */
export interface HostNetwork {
  readonly address: number;
  readonly prefix: number;
}

const BASE = ipNumber('100.64.0.0');
const BASE_PREFIX = 10;
const SUBNET_PREFIX = 24;
/** N counts from 1, as vmd's machines do. */
export const FIRST_SUBNET = 1;
export const LAST_SUBNET = 2 ** (SUBNET_PREFIX - BASE_PREFIX) - 1;
/** Devices that one subnet has addresses for. */
export const MAX_LOCAL_DEVICES = 128;
const PAIR_PREFIX = 31;

/** The addresses of device `device` (0 to 127) in subnet N. */
export function pairOf(subnet: number, device: number): LocalAddresses {
  const host = BASE + subnet * 256 + device * 2;
  return { host: ipText(host), guest: ipText(host + 1), prefix: PAIR_PREFIX };
}

/**
 * The subnets in which no network of the host lies, in order; none left means that a network of the host covers all of them:
 * then those without a network inside, since the more specific route wins.
 */
export function* freeSubnets(networks: readonly HostNetwork[]): Generator<number> {
  const small = networks.filter(({ prefix }) => prefix >= SUBNET_PREFIX);
  const large = networks.filter(({ prefix }) => prefix > 0 && prefix < SUBNET_PREFIX);
  for (const avoided of large.length > 0 ? [[...small, ...large], small] : [small]) {
    for (let n = FIRST_SUBNET; n <= LAST_SUBNET; n++) if (!avoided.some(network => overlaps(n, network))) yield n;
  }
}

/** Whether the subnet and the network share addresses: the shorter prefix decides. */
function overlaps(subnet: number, { address, prefix }: HostNetwork): boolean {
  const mask = netmask(Math.min(prefix, SUBNET_PREFIX));
  return ((BASE + subnet * 256) & mask) === (address & mask);
}
