import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FIELD, viewOf } from '../../src/devices/block/qcow2/format.ts';
import { freshImage } from '../../src/devices/block/qcow2/tools/create.ts';
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
  ['too many devices', `64 good${' --cdrom disk'.repeat(31)}`, 2, /have 32 devices with its console, more than the 31/],
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
  ['an unknown format', '64 good --block disk,format=vmdk', 2, /"format" as one of raw, qcow2, not "vmdk"/],
  ['an unknown cache mode', '64 good --block disk,cache=unsafe', 2, /"cache" as one of writeback, writethrough, none/],
  ['too many queues', '64 good --block disk,queues=99', 2, /queues "99" is not a number of queues.*1 to 32/],
  ['neither on nor off', '64 good --block disk,discard=maybe', 2, /"discard" as one of on, off, not "maybe"/],
  ['a base in place of a yes', '64 good --block disk,backing=base', 2, /"backing" as one of on, off, not "base"/],
  ['a long serial number', `64 good --block disk,serial=${'9'.repeat(21)}`, 2, /is not a serial number.*1 to 20/],
  ['a raw disk that is called qcow2', '64 good --block disk,format=qcow2', 2, /disk is no qcow2 image.*format=raw/],
  ['an image based on another', '64 good --block top', 2, /based on another file, base, .*append ",backing=on"/],
  ['an image whose base is gone', '64 good --block top,backing=on', 2, /base does not exist, and top is based on it/],
  ['a damaged image', '64 good --block damaged', 2, /damaged is damaged: .*image check/],
  ['an image cut short', '64 good --block cut-image', 2, /cut-image is damaged: .*past the end of the file/],
  ['an encrypted image', '64 good --block encrypted', 2, /encrypted is encrypted \(LUKS\)/],
  ["another program's image", '64 good --block vmdk', 2, /vmdk looks like a VMDK image.*qemu-img convert/],
  ['a packed image', '64 good --block gzip', 2, /gzip looks like a gzip file.*gunzip/],
  ['the same disk by another name', '64 good --block disk --block link', 2, /link is in use by another disk/],
];

const IMAGES: readonly Row[] = [
  ['an unknown command', 'image resize disk', 2, /Nothing is known of resize, disk\. See tslaunch image --help/],
  ['no file', 'image info', 2, /0 files are named where 1 is needed/],
  ['a file that is missing', 'image info nothing', 2, /nothing does not exist/],
  ['a file that is there', 'image create disk 1G', 2, /disk is there already/],
  ['no size', 'image create new', 2, /A new image needs a size\. Say one, for example 10G/],
  ['a base without its format', 'image create new --base disk', 2, /format of the base disk is not given/],
  ['a raw disk to check', 'image check disk', 2, /disk is raw: any bytes make a sound one/],
  ['a damaged image', 'image info damaged', 2, /damaged is damaged/],
];

const NETWORKS: readonly Row[] = [
  ['no network', '64 good --tunnet', 2, /--tunnet needs a value/],
  ['a network nobody knows', '64 good --tunnet brigde:br0', 2, /does not know "brigde"\. Did you mean bridge:NAME\?/],
  [
    'a bad address',
    '64 good --tunnet 10.0.0.256',
    2,
    /--tunnet 10\.0\.0\.256 is not an IPv4 address\. Write one such as/,
  ],
  ['an address of nobody', '64 good --tunnet 10.0.0.0/24', 2, /is the address of a network, not of a host/],
  ['a prefix that is none', '64 good --tunnet 10.0.0.1/33', 2, /no prefix length from 1 to 31/],
  ['a bad MAC', '64 good --tunnet local:02:00:00', 2, /MAC address "02:00:00" is not six hexadecimal bytes.*Write one/],
  ['a multicast MAC', '64 good --tunnet none,mac=03:00:00:00:00:01', 2, /is a multicast address/],
  ['a name too long', '64 good --tunnet tap:a-name-too-long-', 2, /a name of 16 bytes, but interfaces have at most 15/],
  ['a small mtu', '64 good --tunnet local,mtu=67', 2, /mtu "67" is out of range.*from 68 to 65535/],
  ['a large mtu', '64 good --tunnet local,mtu=65536', 2, /mtu "65536" is out of range/],
  [
    'an mtu that taps do not have',
    '64 good --tunnet local,mtu=65535',
    2,
    /mtu 65535 is not.*from 68 to 65521/,
    'network',
  ],
  ['too many queues', '64 good --tunnet local,queues=33', 2, /queues "33" is not a number of queue pairs.*1 to 32/],
  ['more queues than a tap has', '64 good --tunnet tap:single,queues=2', 2, /made for one.*multi_queue/, 'network'],
  ['the same tap twice', '64 good --tunnet tap:t --tunnet tap:t', 2, /names the tap t twice/],
  [
    'a tap that is missing',
    '64 good --tunnet tap:missing',
    2,
    /the tap missing, which does not exist.*ip tuntap/,
    'network',
  ],
  ['a tap that is none', '64 good --tunnet tap:lo', 2, /names lo as a tap, but it is none/, 'network'],
  [
    'a bridge that is missing',
    '64 good --tunnet bridge:br9',
    2,
    /bridge br9, which does not exist.*ip link/,
    'network',
  ],
  ['a bridge that is none', '64 good --tunnet bridge:lo', 2, /names lo as a bridge, but it is none/, 'network'],
  [
    'no right to make a tap',
    '64 good --tunnet 10.0.0.1',
    1,
    /not permitted.*sudo.*ip tuntap.*tap:tap0/,
    'fixed-network',
  ],
  ['no right to a local network', '64 good --tunnet local', 1, /not permitted.*sudo/, 'fixed-network'],
  ['no taps at all', '64 good --tunnet local', 1, /--tunnet needs \/dev\/net\/tun.*does not have.*modprobe/, 'no-kvm'],
];

/** Only root can give a tap to somebody else. */
const FOREIGN: Row = [
  'no right to take a tap',
  '64 good --tunnet tap:foreign',
  1,
  /foreign belongs to somebody else.*user \$USER/,
  'fixed-network',
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

/** A copy with a 32-bit field changed. */
function with32(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  viewOf(copy).setUint32(at, value);
  return copy;
}

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
  const image = freshImage(2 ** 20, 65_536);
  make('top', freshImage(2 ** 20, 65_536, { file: 'base', format: 'raw' }));
  make('cut-image', image.subarray(0, 70_000));
  make('damaged', with32(image, FIELD.l1Offset, 1));
  make('encrypted', with32(image, FIELD.encryption, 2));
  make('vmdk', 'KDMV'.padEnd(1024));
  symlinkSync('disk', join(folder, 'link'));
  make('big', '');
  truncateSync(join(folder, 'big'), 64 * 2 ** 20);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each<{ what: string; rows: readonly Row[] }>([
  { what: 'words', rows: WORDS },
  { what: 'kernels', rows: KERNELS },
  { what: 'disks', rows: DISKS },
  { what: 'CD-ROMs', rows: CDROMS },
  { what: 'images', rows: IMAGES },
  { what: 'networks', rows: process.getuid?.() === 0 ? [...NETWORKS, FOREIGN] : NETWORKS },
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
