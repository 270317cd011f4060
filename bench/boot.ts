// bench boot: from exec to the first line that a Linux guest's init prints, with the same kernel and disk for every launcher.
// Without --kernel it is Debian's stock kernel with its initramfs and an ext4 root whose init says one line and powers off.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine, type GuestNeeds, type Launcher } from '../fixtures/guests/launchers.ts';
import { probeKvm } from '../fixtures/lab/probe.ts';
import { makeDisk } from '../fixtures/linux/disk.ts';
import { GUEST_MODULES, guestInitramfs } from '../fixtures/linux/initramfs.ts';
import { debianKernel } from '../fixtures/linux/kernel.ts';
import { makeScratch } from '../fixtures/support/cache.ts';
import { makeProgress } from '../fixtures/support/progress.ts';
import { report, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { inLab } from './lib/lab.ts';
import { launch } from './lib/launch.ts';
import { addMemory } from './lib/overhead.ts';
import { again, type BenchOptions } from './options.ts';

const LINE = 'init: here';
/** QEMU's microvm has its virtio devices on another bus. */
const MODULES = [...GUEST_MODULES, 'virtio_mmio'];
/** One console that every launcher has, named so that all run the same command line. */
const WORDS = ['console=ttyS0', 'root=/dev/vda', 'init=/sbin/init', 'quiet', 'panic=-1'];
const INIT = `echo "${LINE}"\npoweroff -f\n`;

export async function benchBoot(options: BenchOptions): Promise<void> {
  const { hardware, why } = probeKvm();
  const progress = makeProgress();
  const names = contenders(['qemu-q35', 'qemu-microvm'], options.only);
  const scratch = await makeScratch('bench-boot-');
  try {
    const guest = await prepare(options, scratch);
    if (!hardware && !options.here) {
      progress.note(`not here: ${why}`);
      process.exitCode = await inLab([...words(guest), ...again(options)]);
      return;
    }
    const memory = guest.needs.memory ?? 512;
    const command = (name: Launcher) => commandLine(name, guest.kernel, guest.needs);
    const limits = { until: guest.until, timeout: 600_000 };
    const all = await takeTurns(
      names,
      options.samples,
      async name => ({ 'exec to init (ms)': (await launch(command(name), limits)).until! }),
      (name, round, sample) =>
        progress.note(`${round ? `sample ${round}` : 'warm-up'} ${name} ${JSON.stringify(sample)}`),
    );
    await addMemory(all, names, command, memory, limits, 1);
    process.stdout.write(report(all, names));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Guest {
  kernel: string;
  until: string;
  needs: GuestNeeds;
}

async function prepare(options: BenchOptions, scratch: string): Promise<Guest> {
  const progress = makeProgress();
  const { kernel, initrd, memory = 512, cpus = 1, until = LINE } = options;
  const disks = options.disks.map(path => ({ path }));
  if (disks.length === 0) {
    const path = join(scratch, 'root.img');
    await makeDisk(path, { init: INIT });
    disks.push({ path });
  }
  const needs: GuestNeeds = { memory, cpus, disks, arguments: options.arguments };
  if (needs.arguments?.length === 0) needs.arguments = WORDS;
  if (kernel) return { kernel, until, needs: initrd ? { ...needs, initrd } : needs };
  const debian = await debianKernel(progress);
  return {
    kernel: debian.vmlinux,
    until,
    needs: { ...needs, initrd: initrd ?? (await guestInitramfs(debian, progress, { modules: MODULES })) },
  };
}

/** The same benchmark's words for the lab, where nothing need be prepared again. */
function words(guest: Guest): string[] {
  const list = ['boot', '--kernel', guest.kernel, '--until', guest.until];
  list.push('--memory', String(guest.needs.memory), '--cpus', String(guest.needs.cpus));
  if (guest.needs.initrd) list.push('--initrd', guest.needs.initrd);
  for (const disk of guest.needs.disks ?? []) list.push('--disk', disk.path);
  return list;
}
