import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ipNumber, ipText } from '../../../../src/devices/net/ip.ts';
import { hostNetworks, parseFibTrie } from '../../../../src/devices/net/local/host-networks.ts';

const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        +-- 192.0.2.0/30 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.2
              /32 host LOCAL
Id 52:
  +-- 100.64.0.0/10 2 0 2
     |-- 100.64.0.0
        /10 universe UNICAST
        /31 link UNICAST
     |-- 100.101.102.103
        /32 universe UNICAST
`;

describe("the host's networks", () => {
  it('are the routes of all tables but the default ones', () => {
    expect(parseFibTrie(TRIE).map(({ address, prefix }) => `${ipText(address)}/${prefix}`)).toEqual([
      '192.0.2.0/24',
      '192.0.2.2/32',
      '100.64.0.0/10',
      '100.64.0.0/31',
      '100.101.102.103/32',
    ]);
  });

  it('hold the addresses of this host', () => {
    const own = Object.values(networkInterfaces()).flat();
    const addresses = own.filter(entry => entry?.family === 'IPv4').map(entry => ipNumber(entry!.address));
    const known = hostNetworks();
    for (const address of addresses) expect(known).toContainEqual({ address, prefix: 32 });
  });

  it('are none where they cannot be read', () => {
    expect(hostNetworks('/proc/net/nothing')).toEqual([]);
  });
});
