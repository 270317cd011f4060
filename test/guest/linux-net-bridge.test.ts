import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NET_SHELL, netTools, TestNetwork } from './net-support/network.ts';
import type { Guest } from './support/guest.ts';
import { kernel, shellInitrd } from './support/linux.ts';
import { usePlace } from './support/place.ts';

/** Seconds for which everybody talks to everybody. */
const SECONDS = Number(process.env.TSLAUNCH_TEST_NET_SECONDS ?? 10);
/** Datagrams a second of each flow: what the emulated processors of the lab carry. */
const RATE = 40;

const SHELL = `${NET_SHELL}
# Datagrams in order to some, TCP to and from others, all at once; then a line for each flow that came in.
talk() {
  seconds=$1; shift
  flow take 7010 $((seconds + 20)) $# >/tmp/flows & taker=$!
  (tail -f /dev/null | nc -l -p 7003 | sha256sum | cut -c1-64 >/tmp/came) & listener=$!
  sleep 2
  jobs=
  for to in "$@"; do flow send $to 7010 $seconds ${RATE} & jobs="$jobs $!"; done
  (end=$(($(date +%s) + seconds)); while [ $(date +%s) -lt $end ]; do fetch 10.9.0.1; give 10.9.0.1; done) >/tmp/sums & jobs="$jobs $!"
  wait $jobs $taker
  cat /tmp/flows
}
`;

// Two guests, each with its own launcher, and a third party on one bridge.
describe('a bridge with guests of two launchers', () => {
  const place = usePlace();
  let network: TestNetwork;
  let guests: Guest[];
  let flow: string;

  beforeAll(async () => {
    const setUp = 'ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up';
    network = await TestNetwork.create(place.lab, place.scratch, setUp, 1);
    const tools = await netTools(place.scratch);
    flow = tools.flow;
    const programs = { 'bin/flow': readFileSync(flow) };
    const initrd = await shellInitrd(place.scratch, { programs, shell: SHELL });
    const words = ['--tunnet', 'bridge:br0', '--initrd', initrd, '192', (await kernel('x86_64')).bzImage, 'quiet'];
    guests = [2, 3].map(() => place.start(words, { through: network.through }));
    await Promise.all(guests.map(guest => guest.ready()));
    await Promise.all(guests.map((guest, i) => guest.ask(`card eth0 10.9.0.${2 + i}/24`)));
  });
  afterAll(() => network?.destroy());

  it('carries what all of them say at once, whole and in order', async () => {
    const macs = await Promise.all(guests.map(guest => guest.ask('cat /sys/class/net/eth0/address')));
    expect(new Set(macs).size).toBe(2);
    const [one, two] = guests;
    const here = network.run(
      `${flow} take 7010 ${SECONDS + 20} 2 & sleep 4; for to in 2 3; do ${flow} send 10.9.0.$to 7010 ${SECONDS} ${RATE} & done; wait`,
    );
    const heard = await Promise.all([
      one!.ask(`talk ${SECONDS} 10.9.0.1 10.9.0.3`),
      two!.ask(`talk ${SECONDS} 10.9.0.1 10.9.0.2`),
      here,
    ]);
    const flows = heard.map(text => text.split('\n').map(line => line.split(' ')));
    expect(flows.map(lines => lines.map(([from]) => from).sort())).toEqual([
      ['10.9.0.1', '10.9.0.3'],
      ['10.9.0.1', '10.9.0.2'],
      ['10.9.0.2', '10.9.0.3'],
    ]);
    for (const [from, count, , late] of flows.flat()) {
      expect(Number(count), `from ${from}`).toBeGreaterThan(SECONDS);
      expect(Number(late), `out of order from ${from}`).toBe(0);
    }
    for (const guest of guests) {
      const sums = new Set((await guest.ask('cat /tmp/sums')).split('\n'));
      expect([...sums]).toEqual([network.sum]);
    }
    // And from guest to guest.
    await one!.ask('fetch 10.9.0.1');
    await one!.ask('nc 10.9.0.3 7003 </tmp/file');
    await expect.poll(() => two!.ask('cat /tmp/came'), { timeout: 60_000 }).toBe(network.sum);
    for (const guest of guests) expect(await guest.end('poweroff -f')).toMatchObject({ code: 0, errors: '' });
  });
});
