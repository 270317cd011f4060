import { beforeAll, describe, expect, it } from 'vitest';
import { kernel, rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

// One launcher, many lives of its guest: each way for Linux to reset a PC, a panic, and at last a triple fault, which is a
// crash. In between the launcher is looked at from outside: nothing may pile up.
describe('reboots of Linux under tslaunch', () => {
  const place = usePlace();
  let words: string[];
  beforeAll(async () => {
    const disk = await rootDisk(place.scratch);
    const options = ['--cpus', '2', '--rng', '--block', disk];
    words = [...options, '256', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda', 'panic=-1'];
  });

  /** What the launcher holds: descriptors, threads, mappings of KVM's, and its own memory in MiB (without the guest's). */
  async function holdings(pid: number): Promise<{ counts: Record<string, number>; memory: number }> {
    const script = `cd /proc/${pid} && echo fds=$(ls fd | wc -l) threads=$(ls task | wc -l) \
      kvm=$(grep -c kvm maps) ram=$(grep -c memfd:tslaunch-ram maps) memory=$(awk '/^RssAnon/ { print $2 }' status)`;
    const { stdout } = await place.lab.run('sh', ['-c', script]);
    const { memory = 0, ...counts } = Object.fromEntries(
      Array.from(stdout.toString().matchAll(/(\w+)=(\d+)/g), ([, name, value]) => [name!, Number(value)]),
    );
    return { counts, memory: memory / 1024 };
  }

  it('restarts in place by ACPI, keyboard controller, port 0xcf9 and panic, holding no more than before', async () => {
    const guest = place.start(words);
    const held: Awaited<ReturnType<typeof holdings>>[] = [];
    const entropy = new Set<string>();
    for (const last of ['acpi', 'kbd', 'pci', 'panic', 'triple']) {
      await guest.ready();
      expect(await guest.ask('nproc; cat /tmp/left-behind 2>/dev/null || touch /tmp/left-behind')).toBe('2');
      entropy.add(await guest.ask('entropy 32'));
      held.push(await holdings(await guest.pid));
      if (last === 'panic') guest.type('echo c >/proc/sysrq-trigger\n');
      else {
        await guest.ask(`echo ${last} >/sys/kernel/reboot/type`);
        if (last !== 'triple') guest.type('reboot -f\n');
      }
    }
    const [first, ...later] = held;
    for (const { counts } of later) expect(counts).toEqual(first!.counts);
    // The first life has seen neither all code compiled nor all memory collected.
    expect(later.at(-1)!.memory - later[0]!.memory).toBeLessThan(24);
    expect(entropy.size).toBe(5);

    const end = await guest.end('reboot -f');
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(end.errors).toMatch(/triple fault/);
    expect(end.errors).toMatch(/^tslaunch: vCPU \d at 0x/m);
    expect(end.errors).toMatch(/^tslaunch: rip [0-9a-f]{16}/m);
  });
});
