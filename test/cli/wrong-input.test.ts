import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as files from '../support/kernel-files.ts';
import { buildProgram, type Host, runProgram } from '../support/program.ts';

/** What is wrong, the command line, the exit status, and what the one line on stderr says. */
type Row = readonly [what: string, line: string, status: 1 | 2, says: RegExp, host?: Host];

const TOO_MUCH = String(Math.ceil(totalmem() / 2 ** 20) + 1);

const WORDS: readonly Row[] = [
  ['no arguments', '', 2, /No memory size and no kernel given\. Usage: tslaunch \[options\] <memory-MiB> <kernel>/],
  ['no kernel', '512', 2, /No kernel given\. Usage:/],
  ['no memory', '0 good', 2, /memory size of 0 is too little.*at least 4 MiB/],
  ['memory that is no number', 'abc good', 2, /'abc' is not a whole number of MiB.*512/],
  ['kernel before memory', 'good 512', 2, /'good' is not a whole number of MiB/],
  ['negative memory', '-1 good', 2, /'-1' is not a whole number of MiB/],
  ['fractional memory', '0.5 good', 2, /'0\.5' is not a whole number of MiB/],
  ['more memory than there is', `${TOO_MUCH} good`, 2, new RegExp(`${TOO_MUCH} is too much: this host has \\d+ MiB`)],
  ['no vCPU', '--cpus 0 64 good', 2, /--cpus 0 .*from 1 to 32/],
  ['too many vCPUs', '64 good --cpus 33', 2, /--cpus 33 .*from 1 to 32/],
  ['an unknown entry', '64 good --entry bios', 2, /--entry bios .*auto, linux, pvh/],
  ['an unknown option', '64 good --blok disk', 2, /Unknown option --blok\. Did you mean --block\?/],
  ["QEMU's option", '64 good -append quiet', 2, /Unknown option -append\. Kernel arguments follow the kernel/],
  ['a kernel argument with a dash', '64 good -s', 2, /Unknown option -s\..*comes after --/],
  ['an option without its value', '64 good --block', 2, /--block needs a value\. Write --block FILE/],
  ['an option for the value of another', '64 good --block --rng', 2, /--block needs a value/],
  ['a value for a switch', '64 good --rng=no', 2, /--rng takes no value/],
  ['an unknown flag of a disk', '64 good --block disk,fast', 2, /--block does not know "fast"/],
  ['a disk that is written twice', '64 good --block disk --block ./disk', 2, /--block \.\/disk is given twice.*,ro/],
  ['an option of the doctor', '64 good --json', 2, /--json only goes with tslaunch doctor/],
  ['an argument for the doctor', 'doctor who', 2, /takes no argument 'who'/],
];

const KERNELS: readonly Row[] = [
  ['a kernel that is missing', '64 nothing', 2, /no kernel nothing/],
  ['a path through a file', '64 good/vmlinux', 2, /no kernel good\/vmlinux.*not a directory/],
  ['a directory', '64 folder', 2, /kernel folder is a directory/],
  ['a named pipe', '64 pipe', 2, /kernel pipe is not a regular file/],
  ['a kernel that may not be read', '64 locked', 2, /kernel locked may not be read/, 'no-override'],
  ['an empty file', '64 empty', 2, /empty is not a kernel but an empty file/],
  ['a text', '64 text', 2, /text is not a kernel but a text file/],
  ['a picture', '64 png', 2, /png is not a kernel but a PNG picture/],
  ['a compressed file', '64 gzip', 2, /gzip is not a kernel but a gzip file.*gunzip/],
  ['a kernel for another processor', '64 arm64', 2, /arm64 is not a kernel but an ARM64 kernel Image.*x86/],
  ['an ELF file for another processor', '64 elf-arm64', 2, /elf-arm64 is not a kernel but an ELF file for.*x86/],
  ['an EFI binary', '64 efi', 2, /efi is not a kernel but an EFI \(PE\) binary without a Linux boot header/],
  ['a shared object', '64 library', 2, /library is not a kernel but an ELF shared object/],
  ['a vmlinux cut short', '64 cut', 2, /cut is cut short: .*at 1000/],
  ['a vmlinux cut in its headers', '64 stump', 2, /stump is not a kernel but an ELF file that is cut short/],
  ['a bzImage cut short', '64 cut-bzimage', 2, /cut-bzimage is cut short/],
  ['segments that overlap', '64 overlapping', 2, /overlapping.* overlaps segment/],
  ['a kernel that needs more memory', '64 tall', 2, /64 MiB of memory do not hold segment 0 of tall/],
  ['an entry that the kernel lacks', '64 good --entry pvh', 2, /good has no PVH note/],
  [
    'a long command line',
    `64 good ${'x'.repeat(70_000)}`,
    2,
    /command line is 70045 bytes long, but good takes at most 2047/,
  ],
  ['an initrd that is missing', '64 good --initrd nothing', 2, /no initrd nothing/],
  ['an initrd that is a directory', '64 good --initrd folder', 2, /initrd folder is a directory/],
  ['an empty initrd', '64 good --initrd empty', 2, /initrd empty is empty/],
  ['an initrd that is too big', '64 good --initrd big', 2, /initrd big has 65536 KiB, but .* only \d+ KiB/],
];

const DISKS: readonly Row[] = [
  ['a disk that is missing', '64 good --block nothing', 2, /nothing does not exist.*truncate/],
  ['a directory', '64 good --block folder', 2, /folder is a directory/],
  ['a character device', '64 good --block /dev/null', 2, /\/dev\/null is a character device/],
  ['an empty file', '64 good --block empty', 2, /empty is empty.*truncate/],
  ['less than a sector', '64 good --block short', 2, /short is shorter than a sector/],
  ['a disk that may not be written', '64 good --block read-only-disk', 2, /permission denied.*,ro/, 'no-override'],
  ['a disk that may not be read', '64 good --block locked,ro', 2, /cannot be read: permission denied/, 'no-override'],
];

const CDROMS: readonly Row[] = [
  ['no file', '64 good --cdrom ,serial=1', 2, /--cdrom names no file\. Write --cdrom FILE/],
  ['an unknown flag', '64 good --cdrom disk,ro', 2, /--cdrom does not know "ro"/],
  ['a serial number that is none', '64 good --cdrom disk,serial=', 2, /--cdrom serial "" is not a serial number/],
  ['an image that is missing', '64 good --cdrom nothing', 2, /CD-ROM image nothing does not exist.*genisoimage/],
  ['a directory', '64 good --cdrom folder', 2, /CD-ROM image folder is a directory/],
  ['a named pipe', '64 good --cdrom pipe', 2, /CD-ROM image pipe is a pipe/],
  ['an empty file', '64 good --cdrom empty', 2, /CD-ROM image empty is empty/],
  ['less than a block', '64 good --cdrom short', 2, /CD-ROM image short is shorter than a block of 2048 bytes/],
  ['an image that is a disk, too', '64 good --cdrom disk --block disk', 2, /disk is in use by another disk/],
  ['an image that may not be read', '64 good --cdrom locked', 2, /cannot be read: permission denied/, 'no-override'],
];

const HOSTS: readonly Row[] = [
  ['no /dev/kvm', '64 good', 1, /\/dev\/kvm does not exist.*tslaunch doctor/, 'no-kvm'],
  ['no permission on /dev/kvm', '64 good', 1, /\/dev\/kvm may not be opened.*usermod -aG kvm/, 'forbidden-kvm'],
  ['a wrong file where there is no KVM either', '64 png', 2, /png is not a kernel/, 'no-kvm'],
  ['a wrong disk where there is no KVM either', '64 good --block nothing', 2, /nothing does not exist/, 'no-kvm'],
  ['a user who does not exist', '64 good --username no-such-user', 2, /no-such-user/],
];

let folder: string;
beforeAll(() => {
  buildProgram();
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
  const make = (name: string, bytes: Uint8Array | string) => writeFileSync(join(folder, name), bytes);
  make('good', files.goodKernel());
  make('disk', new Uint8Array(4096));
  make('read-only-disk', new Uint8Array(4096));
  chmodSync(join(folder, 'read-only-disk'), 0o400);
  make('locked', new Uint8Array(4096));
  chmodSync(join(folder, 'locked'), 0);
  mkdirSync(join(folder, 'folder'));
  spawnSync('mkfifo', [join(folder, 'pipe')]);
  make('empty', '');
  make('short', 'x');
  make('text', 'A letter, not a kernel.\n'.repeat(100));
  make('png', files.png());
  make('gzip', files.gzip());
  make('arm64', files.arm64Image());
  make('elf-arm64', files.forArm());
  make('efi', files.efiBinary());
  make('library', files.sharedObject());
  make('cut', files.goodKernel().subarray(0, 1000));
  make('stump', files.goodKernel().subarray(0, 60));
  make('cut-bzimage', files.cutBzImage());
  make('overlapping', files.overlapping());
  make('tall', files.tall());
  make('big', '');
  truncateSync(join(folder, 'big'), 64 * 2 ** 20);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each<{ what: string; rows: readonly Row[] }>([
  { what: 'words', rows: WORDS },
  { what: 'kernels', rows: KERNELS },
  { what: 'disks', rows: DISKS },
  { what: 'CD-ROMs', rows: CDROMS },
  { what: 'hosts', rows: HOSTS },
])('wrong $what', ({ rows }) => {
  for (const [what, line, status, says, host] of rows) {
    it(what, () => {
      const outcome = runProgram(line === '' ? [] : line.split(' '), host, folder);
      expect(outcome.stderr).toMatch(says);
      expect(outcome.stderr).toMatch(/^tslaunch: [^\n]+\n$/);
      expect(outcome).toMatchObject({ status, stdout: '' });
    });
  }
});
