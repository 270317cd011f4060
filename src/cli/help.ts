/** The help text: yargs lays out the table of options, the rest is written here. At most 80 columns, whatever the terminal. */
import yargs from 'yargs';
import { GROUPS, OPTIONS, type OptionRow, USAGE } from './options.ts';

const COLUMNS = 80;

const BEFORE = `tslaunch: run a Linux kernel in a virtual machine on this terminal.

Usage:
  ${USAGE}
  tslaunch image create|info|check <file> [options]
  tslaunch doctor [--json]

  <memory-MiB>      guest RAM: 512, 512M or 2G
  <kernel>          an ELF vmlinux or a bzImage, as in /boot
  kernel arguments  passed on in order; those that begin with a dash come after
                    --. Without a console= the guest gets one on this terminal.
  image             make, describe and check disk images: tslaunch image --help
  doctor            tell what this host can do, and what to type where it cannot`;

const AFTER = `What may follow the FILE of --block, with commas between:
  ro                 the guest may only read; several guests may share it
  format=raw|qcow2   what the file is; otherwise its first bytes say
  backing=on         open the files that a qcow2 image says it is based on
  cache=writeback    writes are in the host's page cache; a flush makes them
                     durable (default)
  cache=writethrough each write is durable before it is acknowledged
  cache=none         past the page cache (O_DIRECT); a flush makes durable
  discard=on|off     give back to the host what the guest discards (default on)
  queues=N           virtqueues, 1 to 32 (default 1); one for each CPU is best
  serial=S           serial number, at most 20 characters
  A comma in the file's name is written twice. A file or block device that grows
  while the guest runs becomes a larger disk.

Examples:
  Boot a kernel with its root on a disk image:
    tslaunch 512 vmlinux root=/dev/vda --block disk.img
  The host's own kernel, two CPUs, an initrd and an entropy device:
    tslaunch 1024 /boot/vmlinuz --initrd /boot/initrd.img --cpus 2 --rng
  A disk that the guest may only read, and an argument for init:
    tslaunch 512 bzImage root=/dev/vda ro --block disk.img,ro -- -s
  What its virtio devices are told while it boots, to a file:
    tslaunch 512 bzImage --trace=virtio,pci --trace-file trace.txt
  Its root on an image that is based on another:
    tslaunch 512 bzImage root=/dev/vda --block root.qcow2,backing=on
  Serial console instead of the virtio one, decisions told:
    tslaunch --verbose 512 bzImage console=ttyS0 root=/dev/vda --block disk.img

^C goes to the guest; three within a second end it. The exit status is 0 after
power-off, 1 if the guest crashed or this host cannot run it, 2 for a mistake on
the command line or in a file named there, 128 + N after signal N.`;

/** `-h, --help` or `--block FILE`, as the left column shows it. */
function heading(row: OptionRow): string {
  if (row.value === undefined) return row.name;
  return row.without === undefined ? `${row.name} ${row.value}` : `${row.name}[=${row.value}]`;
}

export async function helpText(): Promise<string> {
  const table = yargs([]).detectLocale(false).help(false).version(false).usage('').wrap(COLUMNS);
  for (const group of GROUPS) {
    for (const row of OPTIONS.filter(each => each.group === group)) {
      table.option(heading(row), { group: `${group}:`, desc: row.help, ...(row.short ? { alias: row.short } : {}) });
    }
  }
  return `${BEFORE}\n\n${(await table.getHelp()).trim()}\n\n${AFTER}\n`;
}
