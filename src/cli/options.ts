/**
 * The options as a table: one row each, from which the parser, the help text and the suggestions all follow. Values are checked
 * where they are turned into a machine's configuration (configure.ts).
 */

export const GROUPS = ['Machine', 'Devices', 'Safety', 'Insight', 'General'] as const;

export interface OptionRow {
  /** Long name, without dashes. */
  readonly name: string;
  /** One-letter name, without dash. */
  readonly short?: string;
  /** What stands for the value in the help text; absent for a switch. */
  readonly value?: string;
  /** What the option means without a value, which then must follow an equals sign. */
  readonly without?: string;
  readonly repeatable?: true;
  /** The subcommand that this option belongs to; absent for a run. `any` goes with everything. */
  readonly of?: 'doctor' | 'any';
  readonly group: (typeof GROUPS)[number];
  readonly help: string;
}

export const OPTIONS: readonly OptionRow[] = [
  { name: 'cpus', value: 'N', group: 'Machine', help: 'virtual CPUs, 1 to 32 (default 1)' },
  { name: 'initrd', value: 'FILE', group: 'Machine', help: 'initial RAM disk for the kernel to unpack' },
  {
    name: 'entry',
    value: 'HOW',
    group: 'Machine',
    help: 'entry protocol: auto (default), linux (boot protocol), pvh (the note of an ELF kernel)',
  },
  {
    name: 'block',
    value: 'FILE[,...]',
    repeatable: true,
    group: 'Devices',
    help: 'a disk: raw or qcow2 image, or block device; see below. The guest sees /dev/vda, /dev/vdb...',
  },
  {
    name: 'tunnet',
    value: 'WIRE[:MAC]',
    repeatable: true,
    group: 'Devices',
    help:
      "a network card on a tap: IP[/PREFIX] for the host's end, bridge:NAME, tap:NAME, local (the guest gets its address by DHCP) " +
      'or none; append ,mtu=N ,locked ,queues=N ,mac=MAC',
  },
  {
    name: 'cdrom',
    value: 'FILE',
    repeatable: true,
    group: 'Devices',
    help: 'a CD-ROM drive with this ISO image in it. The guest sees /dev/sr0, /dev/sr1...',
  },
  { name: 'rng', group: 'Devices', help: 'an entropy device: /dev/hwrng in the guest' },
  {
    name: 'username',
    value: 'NAME',
    group: 'Safety',
    help: 'run as this user once everything is open (needs root)',
  },
  { name: 'chroot', value: 'DIR', group: 'Safety', help: 'see only DIR once everything is open (needs root)' },
  {
    name: 'trace',
    value: 'WHAT',
    without: 'all',
    group: 'Insight',
    help: 'a line for each exit, on stderr: some of io, mmio, pci, virtio, emulate, with commas between (default all)',
  },
  { name: 'trace-format', value: 'FORMAT', group: 'Insight', help: 'text (default) or json, one object a line' },
  { name: 'trace-file', value: 'FILE', group: 'Insight', help: 'write the trace there' },
  {
    name: 'stats',
    group: 'Insight',
    help: 'at the end, print exits by kind and register, how they were decoded, what was emulated',
  },
  { name: 'no-decode', group: 'Insight', help: 'do not read the instruction behind an exit; believe KVM' },
  { name: 'verbose', short: 'v', of: 'any', group: 'General', help: 'narrate devices, queues and decisions on stderr' },
  { name: 'json', of: 'doctor', group: 'General', help: 'with doctor: one JSON document instead of text' },
  { name: 'version', short: 'V', of: 'any', group: 'General', help: 'print versions and exit' },
  { name: 'help', short: 'h', of: 'any', group: 'General', help: 'print this text and exit' },
];

/** One line of usage, for help and for mistakes. */
export const USAGE = 'tslaunch [options] <memory-MiB> <kernel> [kernel arguments...]';
