import { describe, expect, it } from 'vitest';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { pairOf } from '../../../../src/devices/net/local/addresses.ts';
import { leaseFor } from '../../../../src/devices/net/local/lease.ts';

describe('what a guest is told', () => {
  it('is its end of the wire, and the name servers of the host', () => {
    expect(leaseFor(pairOf(300, 2), 9000, { nameServers: [7], domain: 'example.org' })).toEqual({
      host: ipNumber('100.65.44.4'),
      guest: ipNumber('100.65.44.5'),
      prefix: 31,
      nameServers: [7],
      hostName: 'vm300',
      domain: 'example.org',
      mtu: 9000,
      seconds: 86400,
    });
  });

  it('names the host where no name server is known', () => {
    const lease = leaseFor(pairOf(1, 0), undefined, { nameServers: [], domain: undefined });
    expect(lease.nameServers).toEqual([ipNumber('100.64.1.0')]);
  });
});
