import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../fixtures/guests/launchers.ts';
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
card_up() { card eth0 10.9.0.2/24 && answered; }
# A network may lose a frame, in a flood above all; not one every few seconds.
answered() { for seconds in 5 15 40; do ping -q -c 1 -W $seconds 10.9.0.1 >/dev/null && return 0; echo lost >>/tmp/lost; done; return 1; }
again() { rebind eth0 && card_up; }
# Takes the driver out of the kernel and puts it back.
reload() { rmmod virtio_net && insmod /modules/*virtio_net.ko && card_up; }
often() { i=0; while [ $i -lt $2 ]; do $1 || return 1; i=$((i + 1)); done; echo $i; }
`;

/** What a heap without garbage differs by from look to look; a leak shows in the end, however small it is. */
const HEAP_KIB = 64;
/** What garbage does, of all threads, and what else a process takes: loose, but all that speaks for the threads of vCPUs. */
const MEMORY_MIB = 64;

// A stock kernel, whose driver is a module: off and on again under traffic from both sides, and nothing piles up in the launcher.
describe('a network driver that goes and comes', () => {
  const place = usePlace();
  let network: TestNetwork;
  let guest: Guest;
  let times: number;
  /** Where the launcher says what its heap holds. */
  let heap: string;

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
    heap = join(place.scratch, 'heap');
    writeFileSync(heap, '');
    const watched = ['env', `NODE_OPTIONS=--require ${root}test/guest/net-support/heap.cjs`, `HEAP=${heap}`];
    guest = place.start([...card, '--initrd', initrd, ...words], { through: [...network.through, ...watched] });
    await guest.ready();
    await guest.ask('card_up');
  });
  afterAll(() => network?.destroy());

  /** What the launcher holds: descriptors, KiB of main's heap that are no garbage, and MiB of memory, the threads' and the garbage's too. */
  async function holdings(): Promise<{ descriptors: number; heap: number; memory: number }> {
    const pid = await guest.pid;
    const looks = () => readFileSync(heap, 'utf8').split('\n').slice(0, -1);
    const before = looks().length;
    await network.run(`kill -USR2 ${pid}`);
    await expect.poll(() => looks().length, { timeout: 60_000, interval: 50 }).toBe(before + 1);
    const text = await network.run(`ls /proc/${pid}/fd | wc -l; awk '/^RssAnon/ { print $2 }' /proc/${pid}/status`);
    const [descriptors, memory] = text.split('\n').map(Number);
    return { descriptors: descriptors!, heap: Number(looks().at(-1)) / 1024, memory: memory! / 1024 };
  }

  it('finds its device each time, under traffic, and leaves nothing behind', async () => {
    // Into the card, whoever listens, and out of it, while there is one.
    const stop = await flood();
    await guest.ask('(while :; do give 10.9.0.1 || usleep 50000; done) >/dev/null 2>&1 & echo $! >/tmp/giver');
    const rounds = async (how: string) => {
      // The first ones also make what stays for good.
      expect(await guest.ask(`often ${how} 2`)).toBe('2');
      const before = await holdings();
      expect(await guest.ask(`often ${how} ${times}`, 4 * times)).toBe(`${times}`);
      const after = await holdings();
      const each = (after.heap - before.heap) / times;
      const said = `${times} times ${how}: ${each.toFixed(1)} KiB each time, ${JSON.stringify({ before, after })}`;
      if (ASKED) console.log(said);
      expect(after.descriptors, said).toBe(before.descriptors);
      expect(after.heap - before.heap, said).toBeLessThan(HEAP_KIB);
      expect(after.memory - before.memory, said).toBeLessThan(MEMORY_MIB);
    };
    await rounds('again');
    await rounds('reload');
    const lost = Number(await guest.ask('cat /tmp/lost 2>/dev/null | wc -l'));
    if (ASKED) console.log(`${lost} of ${2 * times} pings lost`);
    expect(lost).toBeLessThanOrEqual(2);
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
