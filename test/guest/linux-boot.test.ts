import { beforeAll, describe, expect, it } from 'vitest';
import type { Variant } from '../../fixtures/kernel/build.ts';
import { kernel, parseFacts, rootDisk, shellInitrd } from './support/linux.ts';
import { usePlace } from './support/place.ts';

// Linux to its user space, without an initrd: each row stands for several dimensions at once, since a boot takes seconds. The
// guest itself says what it found.
interface Boot {
  variant: Variant;
  file: 'vmlinux' | 'bzImage';
  cpus: number;
  /** MiB. */
  memory: number;
  entry?: 'linux' | 'pvh';
  words?: string[];
  initrd?: true;
  expect?: Record<string, string>;
}

// /proc/sys/kernel/bootloader_type: "unassigned" from the boot protocol, "a hypervisor's PVH" (0xb) from arch/x86/platform/pvh.
const LOADER = { linux: '255', pvh: '176' };

/** KiB that are RAM to nobody: 0x9fc00 to 0x100000, and what the kernel takes away at 0. */
const HOLES = 389;

const BOOTS: Boot[] = [
  { variant: 'x86_64', file: 'vmlinux', cpus: 1, memory: 512 },
  { variant: 'x86_64', file: 'bzImage', cpus: 2, memory: 64, expect: { loader: LOADER.linux } },
  { variant: 'x86_64', file: 'vmlinux', cpus: 4, memory: 5120, entry: 'pvh', expect: { loader: LOADER.pvh } },
  { variant: 'i386', file: 'vmlinux', cpus: 2, memory: 512, entry: 'linux', expect: { loader: LOADER.linux } },
  { variant: 'i386', file: 'vmlinux', cpus: 1, memory: 64, entry: 'pvh', expect: { loader: LOADER.pvh } },
  { variant: 'i386', file: 'bzImage', cpus: 4, memory: 512, words: ['acpi=off'], expect: { acpi: 'no' } },
  {
    ...{ variant: 'x86_64', file: 'vmlinux', cpus: 2, memory: 512, entry: 'linux' },
    words: ['acpi=off', 'pci=nomsi'],
    expect: { acpi: 'no', interrupts: 'IO-APIC', loader: LOADER.linux },
  },
  {
    ...{ variant: 'x86_64', file: 'bzImage', cpus: 2, memory: 512 },
    words: ['pci=nomsi'],
    expect: { interrupts: 'IO-APIC' },
  },
  {
    ...{ variant: 'x86_64', file: 'vmlinux', cpus: 1, memory: 512 },
    words: ['noapic', 'pci=nomsi'],
    expect: { interrupts: 'XT-PIC' },
  },
  {
    ...{ variant: 'x86_64', file: 'bzImage', cpus: 1, memory: 512, initrd: true },
    expect: { root: 'rootfs rootfs' },
  },
];

describe('Linux under tslaunch', () => {
  const place = usePlace();
  let disks: Record<32 | 64, string>;
  let initrd: string;
  beforeAll(async () => {
    disks = { 32: await rootDisk(place.scratch, 32), 64: await rootDisk(place.scratch, 64) };
    initrd = await shellInitrd(place.scratch);
  });

  const title = ({ variant, file, cpus, memory, entry, words = [], initrd: ramDisk }: Boot) =>
    [
      variant,
      file,
      `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}, ${memory} MiB`,
      entry ?? '',
      ...words,
      ramDisk ? 'initrd' : '',
    ]
      .filter(Boolean)
      .join(' ');

  it.each(BOOTS.map(boot => [title(boot), boot] as const))('boots %s', async (_title, boot) => {
    const { variant, file, cpus, memory, entry, words = [] } = boot;
    const disk = disks[variant === 'x86_64' ? 64 : 32];
    const source = boot.initrd ? ['--initrd', initrd] : ['root=/dev/vda', '--block', disk];
    const options = ['--cpus', String(cpus), ...(entry ? ['--entry', entry] : [])];
    const path = (await kernel(variant))[file];
    const guest = place.start([...options, String(memory), path, 'quiet', ...words, ...source]);
    await guest.ready();
    const facts = parseFacts(await guest.ask('facts'));
    const found = { cpus: facts.cpus, ran: facts.ran, arch: facts.arch };
    expect(found).toEqual({
      cpus: String(cpus),
      ran: '0123'.slice(0, cpus),
      arch: variant === 'x86_64' ? 'x86_64' : 'i686',
    });
    expect(facts).toMatchObject({ root: '/dev/root ext4', acpi: 'yes', interrupts: 'PCI-MSI', ...boot.expect });
    // All but the hole below 1 MiB and the page at 0; of that, the kernel keeps something for itself.
    expect(Number(facts.ram)).toBe(memory * 1024 - HOLES);
    expect(Number(facts.memory)).toBeGreaterThan(memory * 1024 * 0.96 - 16 * 1024);
    expect(Number(facts.memory)).toBeLessThan(memory * 1024);
    const end = facts.acpi === 'yes' ? await guest.end('poweroff -f') : await guest.interrupt('SIGTERM');
    // Without ACPI a kernel knows no way to switch a PC off: somebody else must.
    expect(end).toMatchObject({ code: facts.acpi === 'yes' ? 0 : 143, signal: null, errors: '' });
  });
});
