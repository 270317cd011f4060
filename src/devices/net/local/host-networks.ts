/**
 * The IPv4 networks of the host, from all of its routing tables at once (/proc/net/fib_trie): addresses are in there as local
 * routes, those of other routing tables too, where VPNs put theirs.
 */
import { readFileSync } from 'node:fs';
import { ipNumber } from '../ip.ts';
import type { HostNetwork } from './addresses.ts';

/** Empty when the file cannot be read. */
export function hostNetworks(path = '/proc/net/fib_trie'): HostNetwork[] {
  try {
    return parseFibTrie(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** A leaf is a line `|-- ADDRESS`, its routes are the lines `/PREFIX scope TYPE` behind it. Default routes are left out. */
export function parseFibTrie(text: string): HostNetwork[] {
  const networks = new Map<string, HostNetwork>();
  let address = 0;
  for (const line of text.split('\n')) {
    const leaf = /\|-- (\d+\.\d+\.\d+\.\d+)\s*$/.exec(line);
    if (leaf) address = ipNumber(leaf[1]!);
    const route = /^\s*\/(\d+) \w+ \w+/.exec(line);
    const prefix = Number(route?.[1] ?? 0);
    if (prefix > 0 && prefix <= 32) networks.set(`${address}/${prefix}`, { address, prefix });
  }
  return [...networks.values()];
}
