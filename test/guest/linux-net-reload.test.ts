import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestInitramfs } from '../../fixtures/linux/initramfs.ts';
import { debianKernel } from '../../fixtures/linux/kernel.ts';
import { makeProgress } from '../../fixtures/support/progress.ts';
import { NET_SHELL, TestNetwork } from './net-support/network.ts';
import type { Guest } from './support/guest.ts';
import { usePlace } from './support/place.ts';

/** How often the driver goes and comes, each way; a taste in the lab, where all of it is emulated. */
const ASKED = process.env.TSLAUNCH_TEST_NET_RELOADS;
const MAC = '02:00:00:00:00:10';
const SET_UP = `ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up
  ip neigh replace 10.9.0.2 lladdr ${MAC} dev br0 nud permanent`;

const SHELL = `
stty -echo
mkdir -p /tmp
card_up() { card eth0 10.9.0.2/24 && ping -q -c 1 -W 60 10.9.0.1 >/dev/null; }
again() { rebind eth0 && card_up; }
# Takes the driver out of the kernel and puts it back.
reload() { rmmod virtio_net && insmod /modules/*virtio_net.ko && card_up; }
often() { i=0; while [ $i -lt $2 ]; do $1 || return 1; i=$((i + 1)); done; echo $i; }
`;

/** Looks at the launcher's memory while the driver goes and comes. */
const PARTS = 4;

// A stock kernel, whose driver is a module: off and on again under traffic from both sides, and nothing piles up in the launcher.
describe('a network driver that goes and comes', () => {
  const place = usePlace();
  let network: TestNetwork;
  let guest: Guest;
  let times: number;

  beforeAll(async () => {
    times = Number(ASKED ?? (place.lab.kind === 'direct' ? 50 : 8));
    network = await TestNetwork.create(place.lab, place.scratch, SET_UP, 1);
    const progress = makeProgress();
    const stock = await debianKernel(progress);
    const shell = readFileSync(new URL('support/guest-shell.sh', import.meta.url), 'utf8');
    const verdict = `${NET_SHELL}${SHELL}${shell}`;
    const modules = ['virtio_pci', 'virtio_console', 'virtio_net', 'af_packet'];
    const initrd = await guestInitramfs(stock, progress, { modules, verdict });
    // A driver spins while the device obeys its commands: a busy machine must not look like a hung one to the kernel's watchdogs.
    const words = ['384', stock.vmlinux, 'quiet', 'nowatchdog'];
    const card = ['--tunnet', `bridge:br0:${MAC}`];
    guest = place.start([...card, '--initrd', initrd, ...words], { through: network.through });
    await guest.ready();
    await guest.ask('card_up');
  });
  afterAll(() => network?.destroy());

  /** Descriptors that the launcher holds, and its own memory in MiB. */
  async function holdings(): Promise<{ descriptors: number; memory: number }> {
    const pid = await guest.pid;
    const text = await network.run(`ls /proc/${pid}/fd | wc -l; awk '/^RssAnon/ { print $2 }' /proc/${pid}/status`);
    const [descriptors, kib] = text.split('\n').map(Number);
    return { descriptors: descriptors!, memory: kib! / 1024 };
  }

  it('finds its device each time, under traffic, and leaves nothing behind', async () => {
    // Into the card, whoever listens, and out of it, while there is one.
    const stop = await flood();
    await guest.ask('(while :; do give 10.9.0.1 || usleep 50000; done) >/dev/null 2>&1 & echo $! >/tmp/giver');
    const rounds = async (how: string, growth: number) => {
      expect(await guest.ask(`often ${how} 2`)).toBe('2');
      const before = await holdings();
      const levels: number[] = [];
      const part = Math.ceil(times / PARTS);
      for (let i = 0; i < PARTS; i++) {
        expect(await guest.ask(`often ${how} ${part}`)).toBe(`${part}`);
        const now = await holdings();
        expect(now.descriptors).toBe(before.descriptors);
        levels.push(now.memory);
      }
      // A heap that collects its garbage now and then goes up and down; what leaks lifts its lowest level as well.
      const lowest = (levels: readonly number[]) => Math.min(...levels);
      const [early, late] = [[before.memory, ...levels.slice(0, PARTS / 2)], levels.slice(PARTS / 2)].map(lowest);
      expect(late! - early!).toBeLessThan(growth);
      if (ASKED) console.log(`${PARTS} times ${part} times ${how}: ${JSON.stringify({ before, levels })}`);
    };
    // The first rounds also fill the heaps of a fresh process, in MiB; from then on nothing comes that stays.
    await rounds('again', 64);
    await rounds('reload', 24);
    await guest.ask('kill $(cat /tmp/giver)');
    await stop();
    expect(await guest.ask('fetch 10.9.0.1')).toBe(network.sum);
    expect(await guest.ask('give 10.9.0.1')).toBe(network.sum);
    const before = await holdings();
    guest.type('reboot -f\n');
    await guest.ready();
    await guest.ask('card_up');
    expect(await guest.ask('fetch 10.9.0.1')).toBe(network.sum);
    expect((await holdings()).descriptors).toBe(before.descriptors);
    expect(await guest.end('poweroff -f')).toMatchObject({ code: 0, errors: '' });
  });

  /** Datagrams to the guest without end; returns what stops them. */
  async function flood(): Promise<() => Promise<void>> {
    const script = `setInterval(() => { for (let i = 0; i < 5; i++) socket.send(Buffer.alloc(900), 9, '10.9.0.2'); }, 20);
      const socket = require('node:dgram').createSocket('udp4').on('error', () => {});`;
    const [command, ...args] = [...network.through, process.execPath, '-e', script];
    const sender = place.lab.spawn(command!, args);
    await sender.pid;
    return async () => {
      sender.kill('SIGKILL');
      await sender.exited;
    };
  }
});
