import { describe, expect, it } from 'vitest';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { freeSubnets, LAST_SUBNET, pairOf } from '../../../../src/devices/net/local/addresses.ts';

const network = (text: string) => {
  const [ip, prefix] = text.split('/');
  return { address: ipNumber(ip!), prefix: Number(prefix) };
};

function first(...networks: string[]): number | undefined {
  return freeSubnets(networks.map(network)).next().value ?? undefined;
}

describe('addresses of local wires', () => {
  it("are those of vmd's machines", () => {
    expect(pairOf(1, 0)).toEqual({ host: '100.64.1.0', guest: '100.64.1.1', prefix: 31 });
    expect(pairOf(1, 3)).toEqual({ host: '100.64.1.6', guest: '100.64.1.7', prefix: 31 });
    expect(pairOf(LAST_SUBNET, 127)).toEqual({ host: '100.127.255.254', guest: '100.127.255.255', prefix: 31 });
  });

  it.each([
    [[], 1],
    [['192.168.1.0/24', '10.0.0.0/8', '0.0.0.0/0'], 1],
    [['100.64.1.0/31'], 2],
    [['100.64.1.254/32', '100.64.2.0/24', '100.64.3.128/25'], 4],
    [['100.64.0.0/16'], 256],
    [['100.64.0.0/11'], 8192],
  ])('keep away from %j: subnet %i', (networks, subnet) => {
    expect(first(...networks)).toBe(subnet);
  });

  it('lie inside a network of the host if it covers all of them, beside what is there', () => {
    expect(first('100.64.0.0/10')).toBe(1);
    expect(first('100.64.0.0/10', '100.64.1.9/32')).toBe(2);
    expect(first('64.0.0.0/2', '100.64.0.0/10', '100.64.1.0/24')).toBe(2);
  });
});
