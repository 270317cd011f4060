import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { F } from '../../src/devices/net/registers.ts';
import { type AskedFeatures, askedFeatures, askForAllBut } from './net-support/asked-features.ts';
import { NET_SHELL, netTools, TestNetwork } from './net-support/network.ts';
import type { Guest } from './support/guest.ts';
import { kernel, parseFacts, shellInitrd } from './support/linux.ts';
import { usePlace } from './support/place.ts';

/** Each offload in each of the ways, which are many; otherwise each in one of them. */
const ALL = process.env.TSLAUNCH_TEST_NET_REFUSALS === 'all';

const GUEST_SEGMENTS = F.GUEST_TSO4 | F.GUEST_TSO6 | F.GUEST_ECN;
const HOST_SEGMENTS = F.HOST_TSO4 | F.HOST_TSO6 | F.HOST_ECN;
/** What a driver may do without, each with what cannot be without it (virtio 1.2, 5.1.3.1). */
const OFFLOADS: Record<string, bigint> = {
  nothing: 0n,
  HOST_TSO4: F.HOST_TSO4,
  GUEST_TSO4: F.GUEST_TSO4,
  HOST_TSO6: F.HOST_TSO6,
  GUEST_TSO6: F.GUEST_TSO6,
  HOST_ECN: F.HOST_ECN,
  GUEST_ECN: F.GUEST_ECN,
  CSUM: F.CSUM | HOST_SEGMENTS,
  GUEST_CSUM: F.GUEST_CSUM | GUEST_SEGMENTS,
  'any offload': F.CSUM | HOST_SEGMENTS | F.GUEST_CSUM | GUEST_SEGMENTS | F.CTRL_GUEST_OFFLOADS,
};

/** A card on a bridge, and one with jumbo frames. */
const CARDS = [
  { name: 'eth0', network: 9, longest: 1514 },
  { name: 'eth1', network: 8, longest: 9014 },
] as const;
const WAYS = CARDS.flatMap(card =>
  [false, true].flatMap(mergeable => [true, false].map(msix => ({ card, mergeable, msix }))),
);
const cases = Object.entries(OFFLOADS).flatMap(([name, offload], i) =>
  (ALL ? WAYS : [WAYS[i % WAYS.length]!]).map(({ card, mergeable, msix }) => ({
    what: `${name} by ${card.name} ${mergeable ? 'with' : 'without'} MRG_RXBUF, ${msix ? 'MSI-X' : 'INTx'}`,
    card,
    refused: offload | (mergeable ? 0n : F.MRG_RXBUF),
    msix,
    ip: name.endsWith('6') ? 6 : 4,
  })),
);

const digit = (on: boolean) => (on ? '1' : '0');

const SET_UP = `
  ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0
  ip addr add fd00:9::1/64 dev br0 nodad; ip link set br0 up`;
const SHELL = `${NET_SHELL}
# Nobody else has these addresses.
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
both() { card $1 10.$2.0.2/24 && ip addr add fd00:$2::2/64 dev $1; }
device() { readlink -f /sys/class/net/$1/device; }
# Runs a command, then says how long frames were on average that went over a card meanwhile: frames CARD rx|tx COMMAND...
frames() {
  counted=/sys/class/net/$1/statistics/$2; shift 2
  packets=$(cat \${counted}_packets); bytes=$(cat \${counted}_bytes)
  "$@" && echo $((($(cat \${counted}_bytes) - bytes) / ($(cat \${counted}_packets) - packets)))
}
`;

// One boot. Its driver is taken from its device again and again, and given back to ask it for something else.
describe('a network driver of Linux', () => {
  const place = usePlace();
  let network: TestNetwork;
  let guest: Guest;
  let asked: AskedFeatures;

  beforeAll(async () => {
    const { vmlinux } = await kernel('x86_64');
    asked = askedFeatures(vmlinux);
    network = await TestNetwork.create(place.lab, place.scratch, SET_UP, 1);
    const { ethtool } = await netTools(place.scratch);
    const initrd = await shellInitrd(place.scratch, {
      programs: { 'bin/ethtool': readFileSync(ethtool) },
      shell: SHELL,
    });
    const cards = ['--tunnet', 'bridge:br0', '--tunnet', '10.8.0.1/24,mtu=9000'];
    guest = place.start([...cards, '--initrd', initrd, '256', vmlinux, 'quiet'], { through: network.through });
    await guest.ready();
    await network.run('ip addr add fd00:8::1/64 dev tslaunch1 nodad');
  });
  afterAll(() => network?.destroy());

  /** What driver and device agreed on. */
  async function features(card: string): Promise<bigint> {
    const digits = await guest.ask(`cat $(device ${card})/features`);
    return [...digits].reduce((mask, digit, i) => (digit === '1' ? mask | (1n << BigInt(i)) : mask), 0n);
  }

  /**
   * Carries a file as `way` says, until frames were longer on average than a card's longest, which only segments are that somebody else is to cut. How much
   * TCP puts into one is its own choice, and little on a busy machine: where they are `expected`, it may choose again.
   */
  async function carry({ name, longest }: (typeof CARDS)[number], way: string, expected: boolean) {
    for (let left = expected ? 5 : 1; ; left--) {
      const [sum, average] = (await guest.ask(`frames ${name} ${way}`)).split('\n');
      const segments = Number(average) > longest;
      if (segments || sum !== network.sum || left === 1) return { sum, segments, average };
    }
  }

  it('has its files whole, whatever it does without', { timeout: 60_000 + cases.length * 30_000 }, async () => {
    const all = new Map<string, bigint>();
    for (const { name } of CARDS) all.set(name, await features(name));
    for (const { what, card, refused, msix, ip } of cases) {
      const start = Date.now();
      const { name, network: net } = card;
      const interrupts = `echo ${Number(msix)} >$(dirname $(device ${name}))/msi_bus`;
      await guest.ask(`${interrupts}; ${askForAllBut(refused, asked)}; rebind ${name} && both ${name} ${net}`);
      const agreed = await features(name);
      expect(agreed, what).toBe(all.get(name)! & ~refused);
      const has = (feature: bigint) => (agreed & feature) !== 0n;
      expect(parseFacts(await guest.ask(`ethtool ${name}; ethtool ${name} rx-gro-hw`)), what).toMatchObject({
        tx: digit(has(F.CSUM)),
        tso: digit(has(F.HOST_TSO4 | F.HOST_TSO6)),
        'rx-gro-hw': digit(has(F.GUEST_TSO4 | F.GUEST_TSO6)),
      });
      const peer = ip === 6 ? `fd00:${net}::1` : `10.${net}.0.1`;
      const [toGuest, toHost] = ip === 6 ? [F.GUEST_TSO6, F.HOST_TSO6] : [F.GUEST_TSO4, F.HOST_TSO4];
      const fetched = await carry(card, `rx fetch ${peer}`, has(toGuest));
      const given = await carry(card, `tx give ${peer}`, has(toHost));
      expect([fetched, given], what).toMatchObject([
        { sum: network.sum, segments: has(toGuest) },
        { sum: network.sum, segments: has(toHost) },
      ]);
      const vectors = await guest.ask(`grep -c "MSI.* $(basename $(device ${name}))-" /proc/interrupts || :`);
      expect(vectors, what).toBe(msix ? '3' : '0');
      if (ALL)
        console.log(`${what}: frames of ${fetched.average} and ${given.average} bytes, ${Date.now() - start} ms`);
    }
    expect(await guest.end('poweroff -f')).toMatchObject({ code: 0, errors: '' });
  });
});
