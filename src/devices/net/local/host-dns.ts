/**
 * Which name servers a guest gets: those of the host (resolv.conf(5)), unless they listen where only the host can reach them.
 * systemd-resolved puts itself at 127.0.0.53 in /etc/resolv.conf and keeps a second file with the servers it asks itself.
 */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { ipNumber } from '../ip.ts';

export interface HostDns {
  /** At most three, as numbers; none when nothing is known that a guest could reach. */
  readonly nameServers: readonly number[];
  /** The domain to look names up in. */
  readonly domain: string | undefined;
}

const FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];
/** MAXNS: no resolver looks at more. */
const MOST_SERVERS = 3;
/** So that every reply stays within the 576 bytes that each client must take (RFC 2131, 2). */
const LONGEST_DOMAIN = 128;
const LOOPBACK = 127;

/** From the first of the files that names a server for a guest. Files that are not there name none. */
export function hostDns(files: readonly string[] = FILES): HostDns {
  const all = files.map(file => parseResolvConf(textOf(file)));
  return all.find(({ nameServers }) => nameServers.length > 0) ?? { nameServers: [], domain: all[0]?.domain };
}

export function parseResolvConf(text: string): HostDns {
  const nameServers: number[] = [];
  let domain: string | undefined;
  for (const line of text.split('\n')) {
    const [keyword, value = ''] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && isIPv4(value)) {
      const server = ipNumber(value);
      if (server >>> 24 !== LOOPBACK && server !== 0 && nameServers.length < MOST_SERVERS) nameServers.push(server);
    }
    // The last of these two lines counts.
    if (keyword === 'domain' || keyword === 'search') domain = domainOf(value);
  }
  return { nameServers, domain };
}

function domainOf(value: string): string | undefined {
  const name = value.replace(/\.$/, '');
  return name.length <= LONGEST_DOMAIN && /^[\w-]+(\.[\w-]+)*$/.test(name) ? name : undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
