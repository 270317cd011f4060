import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ipText } from '../../src/devices/net/ip.ts';
import { hostDns } from '../../src/devices/net/local/host-dns.ts';
import { NET_SHELL, TestNetwork } from './net-support/network.ts';
import type { Guest } from './support/guest.ts';
import { kernel, parseFacts, shellInitrd } from './support/linux.ts';
import { usePlace } from './support/place.ts';

const MAC = '02:00:00:00:00:10';
const SET_UP = `
  sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 net.ipv4.ip_forward=1
  ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up`;

/** What udhcpc runs when it has news: keeps them, and does as they say. */
const DHCP_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
set | grep -E '^(ip|subnet|router|dns|domain|hostname|lease|serverid|mask)=' | tr -d "'" >/tmp/lease
ip addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
ip route replace default via "$router"
`;
const SHELL = `${NET_SHELL}
lease() { rm -f /tmp/lease; udhcpc -i eth0 -n -q -f -t 10 -T 3 -s /bin/dhcp-script "$@" >/tmp/dhcp.log 2>&1; status=$?; cat /tmp/lease; return $status; }
frames() { cat /sys/class/net/$1/statistics/rx_packets; }
`;

// Two guests at once: each is told its own address by its own launcher; the first has two cards on a bridge besides, one locked.
describe('networks that the launcher answers for or watches', () => {
  const place = usePlace();
  let network: TestNetwork;
  let first: Guest;
  let second: Guest;

  beforeAll(async () => {
    network = await TestNetwork.create(place.lab, place.scratch, SET_UP, 1);
    const programs = { 'bin/dhcp-script': Buffer.from(DHCP_SCRIPT) };
    const initrd = await shellInitrd(place.scratch, { programs, shell: SHELL });
    const words = ['--initrd', initrd, '--stats', '160', (await kernel('x86_64')).bzImage, 'quiet', 'ipv6.disable=1'];
    const start = (...cards: string[]) =>
      place.start([...cards.flatMap(card => ['--tunnet', card]), ...words], { through: network.through });
    first = start('local,mtu=1400', `bridge:br0:${MAC},locked`, 'bridge:br0');
    second = start('local');
    await Promise.all([first.ready(), second.ready()]);
  });
  afterAll(() => network?.destroy());

  const leaseOf = async (guest: Guest, options = '') =>
    parseFacts(await guest.ask(`ip link set eth0 up; lease ${options}`));
  const reaches = (guest: Guest, address: string) => guest.ask(`ping -q -c 2 -W 20 ${address}`);

  it('give a guest its address, and another guest another; keep a MAC to one card', async () => {
    const lease = await leaseOf(first);
    expect(lease).toMatchObject({ subnet: '255.255.255.254', mask: '31', lease: '86400' });
    expect(lease.ip).toMatch(/^100\.64\.\d+\.1$/);
    expect(lease.router).toBe(lease.ip!.replace(/1$/, '0'));
    expect(lease.serverid).toBe(lease.router);
    expect(lease.hostname).toBe(`vm${lease.ip!.split('.')[2]}`);
    // The lab has this machine's /etc.
    const { nameServers, domain } = hostDns();
    expect(lease.dns).toBe(nameServers.length > 0 ? nameServers.map(ipText).join(' ') : lease.router);
    expect(lease.domain).toBe(domain);
    expect(await first.ask('cat /sys/class/net/eth0/mtu')).toBe('1400');
    const other = await leaseOf(second);
    expect(other.ip).toMatch(/^100\.64\.\d+\.1$/);
    expect(other.ip).not.toBe(lease.ip);

    await reaches(first, lease.router!);
    expect(await first.ask(`fetch ${lease.router}`)).toBe(network.sum);
    expect(await first.ask(`give ${lease.router}`)).toBe(network.sum);
    expect(await first.ask(`nslookup tslaunch.test ${lease.router}`)).toContain('192.0.2.7');
    await reaches(first, other.ip!);

    // The same address again, whatever is wished for; nothing for a broken question.
    expect(await leaseOf(first, '-r 10.1.2.3')).toEqual(lease);
    expect(
      (await first.try(`timeout 5 tftp -g -l /tmp/none -r ${'x'.repeat(300)} ${lease.router} 67`)).status,
    ).not.toBe(0);
    expect(await leaseOf(first)).toEqual(lease);

    await lockedCard();
    const { errors } = await first.end('poweroff -f');
    const drops = (card: string) => [
      ...(errors.split(`${card}:\n`)[1] ?? '').split(/^\S/m)[0]!.matchAll(/dropped, (.*)/g),
    ];
    expect(drops('net0').map(([, why]) => why)).toEqual(['sent to the launcher itself and not understood']);
    expect(
      drops('net1')
        .map(([, why]) => why)
        .sort(),
    ).toEqual(['for an address the guest may not have', 'sent from an address the guest may not have']);
    expect(await second.end('poweroff -f')).toMatchObject({ code: 0 });
    expect(await network.interfaces('tslaunch')).toEqual([]);
  });

  /** eth1 is locked, eth2 is not: whatever the one does not see or send, the other does. */
  async function lockedCard(): Promise<void> {
    await first.ask('card eth1 10.9.0.2/24; ip link set eth1 promisc on; ip link set eth2 up promisc on');
    await reaches(first, '10.9.0.1');

    const heard = async (script: string) => {
      const before = await first.ask('echo $(frames eth1) $(frames eth2)');
      await network.run(script);
      // Frames are delivered in order: when this one's answer has come, all before it were.
      await network.run('busybox ping -q -c 1 -W 60 10.9.0.2');
      const after = await first.ask('echo $(frames eth1) $(frames eth2)');
      const [old, now] = [before, after].map(line => line.split(' ').map(Number));
      return { locked: now![0]! - old![0]!, open: now![1]! - old![1]! };
    };
    // Whose answers nobody waits for: the bridge sends what it cannot place everywhere.
    const toNobody = await heard(
      'ip neigh replace 10.9.0.77 lladdr 02:00:00:00:00:77 dev br0; busybox ping -q -c 20 -i 0.1 -W 1 10.9.0.77 || :',
    );
    expect(toNobody.locked).toBeLessThan(20);
    expect(toNobody.open).toBeGreaterThanOrEqual(20);
    const toAll = await heard('busybox ping -q -c 20 -i 0.1 -W 1 10.9.0.255 || :');
    expect(toAll.locked).toBeGreaterThanOrEqual(20);
    const toGroup = await heard('busybox ping -q -c 20 -i 0.1 -W 1 -I br0 224.0.0.1 || :');
    expect(toGroup.locked).toBeGreaterThanOrEqual(20);

    await first.ask('ip link set eth1 down; ip link set eth1 address 02:00:00:00:00:99; ip link set eth1 up');
    expect((await first.try('ping -q -c 3 -W 2 10.9.0.1')).status).not.toBe(0);
    expect(await network.run('bridge fdb show br br0')).not.toContain('02:00:00:00:00:99');
    await first.ask(`ip link set eth1 down; ip link set eth1 address ${MAC}; ip link set eth1 up`);
    await reaches(first, '10.9.0.1');
  }
});
