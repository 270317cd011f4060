/** The IPv4 address and network that the host's end of a wire gets, from `10.0.0.1` or `10.0.0.1/24`. */
import { isIPv4 } from 'node:net';
import { UsageError } from '../../base/errors.ts';
import { ipNumber } from './ip.ts';

export interface HostAddress {
  readonly ip: string;
  /** Bits of the network's part, 1 to 31. */
  readonly prefix: number;
}

const DEFAULT_PREFIX = 24;
const EXAMPLE = 'Write one such as 192.168.5.1/24.';

/** Throws UsageError for what is no address, or none that an interface can have. */
export function parseHostAddress(text: string): HostAddress {
  const [ip = '', digits, ...rest] = text.split('/');
  if (!isIPv4(ip)) throw new UsageError(`--tunnet ${ip} is not an IPv4 address.`, EXAMPLE);
  const prefix = digits === undefined ? DEFAULT_PREFIX : /^\d+$/.test(digits) ? Number(digits) : 0;
  if (rest.length > 0 || prefix < 1 || prefix > 31) {
    throw new UsageError(`--tunnet ${text} has no prefix length from 1 to 31 behind its slash.`, EXAMPLE);
  }
  const why = whyNoHost(ipNumber(ip), prefix);
  if (why !== undefined)
    throw new UsageError(`--tunnet ${text} ${why}.`, 'Give an address for the host on that network.');
  return { ip, prefix };
}

function whyNoHost(ip: number, prefix: number): string | undefined {
  const first = ip >>> 24;
  if (first === 127) return 'is a loopback address';
  if (first >= 224 && first < 240) return 'is a multicast address';
  if (first === 0 || first >= 240) return 'is a reserved address';
  if (prefix === 31) return undefined; // RFC 3021: two hosts, and neither a network's nor a broadcast address
  const hosts = 2 ** (32 - prefix) - 1;
  const host = (ip & hosts) >>> 0;
  if (host === 0) return 'is the address of a network, not of a host';
  return host === hosts ? 'is the broadcast address of its network' : undefined;
}
