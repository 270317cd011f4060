import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NET_SHELL, netTools, TestNetwork } from './net-support/network.ts';
import { type Guest, PATIENCE } from './support/guest.ts';
import { kernel, parseFacts, shellInitrd } from './support/linux.ts';
import { usePlace } from './support/place.ts';

/** MiB of the file that goes each way over each card; whoever asks for a size wants to know the time, too. */
const ASKED = process.env.TSLAUNCH_TEST_NET_MIB;
/** What a MiB takes where the processor is emulated and busy with other things, in ms. */
const SLOW = 1000;
const MAC = '02:00:00:00:00:10';

const BRIDGE = 'ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up;';
const SET_UP = `
  ${BRIDGE}
  ip tuntap add dev pre0 mode tap multi_queue
  ip addr add 10.7.0.1/24 dev pre0
  ip link set pre0 up`;

// One boot with a card of each kind; what Linux finds, what goes over it, and what it sees when the host's end changes.
describe('network cards of Linux under tslaunch', () => {
  const place = usePlace();
  let network: TestNetwork;
  let guest: Guest;
  let words: string[];
  /** Of the file, and of what is left of it once it has been over each card. */
  let mib: number;
  let usual: number;

  beforeAll(async () => {
    usual = place.lab.kind === 'direct' ? 256 : 2;
    mib = Number(ASKED ?? usual);
    network = await TestNetwork.create(place.lab, place.scratch, SET_UP, mib);
    const { ethtool, flow } = await netTools(place.scratch);
    const programs = { 'bin/ethtool': readFileSync(ethtool), 'bin/flow': readFileSync(flow) };
    const initrd = await shellInitrd(place.scratch, { programs, shell: NET_SHELL });
    // The file lies in a tmpfs, which takes half of the memory at most.
    const memory = `${320 + Math.ceil(2.2 * mib)}`;
    words = ['--cpus', '2', '--initrd', initrd, memory, (await kernel('x86_64')).bzImage, 'quiet'];
  });
  afterAll(() => network?.destroy());

  const cards = [`bridge:br0:${MAC}`, '10.8.0.1/24,mtu=9000,queues=2', 'tap:pre0', 'none'];
  const boot = async (kernelWords: string[] = []) => {
    const options = cards.flatMap(card => ['--tunnet', card]);
    const patience = PATIENCE + mib * SLOW;
    guest = place.start([...options, '--stats', ...words, ...kernelWords], { through: network.through, patience });
    await guest.ready();
    await guest.ask('card eth0 10.9.0.2/24; card eth1 10.8.0.2/24; card eth2 10.7.0.2/24; ip link set eth3 up');
  };
  const carrier = (card: string) => guest.ask(`cat /sys/class/net/${card}/carrier`);
  const offloads = async (card: string) => parseFacts(await guest.ask(`ethtool ${card}`));
  /** The peer's file to the guest and back, whole. */
  const transfer = async (address: string, what = address) => {
    const start = Date.now();
    expect(await guest.ask(`fetch ${address}`), `${what}, to the guest`).toBe(network.sum);
    const middle = Date.now();
    expect(await guest.ask(`give ${address}`), `${what}, from the guest`).toBe(network.sum);
    const seconds = [middle - start, Date.now() - middle].map(ms => (ms / 1000).toFixed(1));
    if (ASKED) console.log(`${mib} MiB over ${what}: ${seconds[0]} s to the guest, ${seconds[1]} s from it`);
  };

  const timeout = 300_000 + Number(ASKED ?? 0) * 6 * SLOW;
  it('work: addresses, offloads, queues, ping, names, TCP each way; then lose their links and have them back', {
    timeout,
  }, async () => {
    await boot();
    expect(await guest.ask('cat /sys/class/net/eth[0-3]/mtu | tr "\\n" " "')).toBe('1500 9000 1500 1500');
    expect(await guest.ask('cat /sys/class/net/eth0/address')).toBe(MAC);
    expect(await carrier('eth3')).toBe('0');
    const on = { rx: '1', tx: '1', sg: '1', tso: '1', gso: '1', gro: '1' };
    expect(await offloads('eth0')).toEqual(on);
    expect(await guest.ask('ethtool eth1 channels 0; ethtool eth1 channels 2')).toBe('channels=2/2\nchannels=2/2');
    for (const net of [9, 8, 7]) expect(await guest.ask(`ping -c 3 -W 20 10.${net}.0.1`)).toContain(' 0% packet loss');
    expect(await guest.ask('ping -c 2 -W 20 -s 8900 10.8.0.1')).toContain(' 0% packet loss');
    expect(await guest.ask('nslookup tslaunch.test 10.9.0.1')).toContain('192.0.2.7');
    for (const net of [9, 8, 7]) await transfer(`10.${net}.0.1`);
    if (mib > usual) {
      mib = usual;
      await network.shorten(mib);
    }

    // One after the other is refused, down to frames without anything left to do.
    for (const name of ['gro', 'rx-gro-hw', 'tso', 'gso', 'tx']) {
      await guest.ask(`ethtool eth0 ${name} 0`);
      await transfer('10.9.0.1', `bridge without ${name}`);
    }
    expect(await offloads('eth0')).toMatchObject({ tx: '0', tso: '0', gso: '0', gro: '0' });
    await guest.ask('ethtool eth1 channels 1');
    await transfer('10.8.0.1', 'jumbo frames and one queue of two');

    await guest.ask('ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:77; ip link set eth0 up');
    expect(await guest.ask('ping -c 2 -W 20 10.9.0.1')).toContain(' 0% packet loss');

    await linksComeAndGo();
    const { errors } = await guest.end('poweroff -f');
    expect(errors.match(/^tslaunch: .*/gm)).toEqual([
      'tslaunch: net1: tslaunch1 is down; the guest has lost its link.',
      'tslaunch: net1: tslaunch1 is called renamed0 now.',
      'tslaunch: net1: renamed0 is up; the guest has its link.',
      'tslaunch: net0: bridge br0 of tslaunch0 is gone; the guest has lost its link.',
      'tslaunch: net1: renamed0 is gone; the guest has lost its link.',
    ]);
    expect(errors.match(/^net0:\n( +\d+ {2}.*\n)+/m)?.[0]).toMatch(/ {2}frames received\n.* {2}bytes received\n/);
    // Segments of TCP go whole, both ways.
    const counted = errors.split('net2:\n')[1]!;
    const count = (what: string) => Number(new RegExp(`(\\d+) {2}${what}`).exec(counted)?.[1]);
    expect(count('bytes received') / count('frames received')).toBeGreaterThan(1514);
    expect(count('bytes sent') / count('frames sent')).toBeGreaterThan(1514);
    expect(await network.interfaces('tslaunch')).toEqual([]);
    expect(await network.interfaces('pre0')).toEqual(['pre0']);
  });

  /** What befalls the taps, under load: the launcher says a line each time and goes on, the guest sees its link. */
  async function linksComeAndGo(): Promise<void> {
    const [first, second] = await network.interfaces('tslaunch');
    const untilCarrier = (card: string, value: string) =>
      expect.poll(() => carrier(card), { timeout: 60_000, interval: 200 }).toBe(value);
    await guest.ask('(while :; do give 10.8.0.1; done) >/dev/null 2>&1 & ping -q 10.9.0.1 >/dev/null 2>&1 &');
    await network.run(`ip link set ${second} down`);
    await untilCarrier('eth1', '0');
    await network.run(`ip link set ${second} name renamed0 && ip link set renamed0 up`);
    await untilCarrier('eth1', '1');
    expect(await guest.ask('ping -c 2 -W 20 10.8.0.1')).toContain(' 0% packet loss');
    await network.run('ip link del br0');
    await untilCarrier('eth0', '0');
    await network.run('ip link del renamed0');
    await untilCarrier('eth1', '0');
    expect(await guest.ask('ping -c 2 -W 20 10.7.0.1')).toContain(' 0% packet loss');
    expect(first).toBe('tslaunch0');
  }

  it('work without MSI-X, and after a reboot', async () => {
    await network.run(`ip link show br0 >/dev/null 2>&1 || { ${BRIDGE} }`);
    await boot(['pci=nomsi']);
    for (const net of [9, 8]) await transfer(`10.${net}.0.1`, `INTx at 10.${net}.0.1`);
    guest.type('reboot -f\n');
    await guest.ready();
    await guest.ask('card eth0 10.9.0.2/24');
    await transfer('10.9.0.1', 'INTx after a reboot');
    const { errors } = await guest.end('poweroff -f');
    expect(errors).not.toMatch(/^tslaunch: /m);
  });
});
