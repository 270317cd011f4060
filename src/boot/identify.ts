/**
 * What a file that is no kernel seems to be, so that a refusal can name it and say what to do. A table of magic numbers; the
 * first row that matches wins.
 */
import { hex, readLe } from '../base/bits.ts';
import { elfOddity } from './elf/oddity.ts';
import type { Identity } from './identity.ts';

interface Magic extends Identity {
  readonly offset: number;
  readonly bytes: readonly number[];
  /** A second condition. */
  readonly and?: (head: Uint8Array) => boolean;
}

/** Bytes from the start of a file that suffice for every row: ISO 9660 has its mark in the seventeenth sector. */
export const HEAD_SIZE = 0x8010;

const OTHER_FILE = 'Give a vmlinux (ELF) or bzImage file instead.';
const ARM_REMEDY = 'Give a kernel built for x86: tslaunch runs x86 guests only.';
const DISK_REMEDY = 'Pass it with --block, and give a vmlinux or bzImage as the kernel.';
const unpack = (tool: string) => `Decompress it first: ${tool} FILE.`;
const ascii = (text: string) => Array.from(text, letter => letter.charCodeAt(0));
const peAt = (head: Uint8Array) => {
  const at = readLe(head, 0x3c, 4);
  return at + 4 <= head.length && readLe(head, at, 4) === 0x4550;
};

const MAGICS: readonly Magic[] = [
  { offset: 0, bytes: [0x1f, 0x8b], what: 'a gzip file', remedy: unpack('gunzip') },
  { offset: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], what: 'an xz file', remedy: unpack('unxz') },
  { offset: 0, bytes: [0x5d, 0, 0], what: 'an lzma file', remedy: unpack('unlzma') },
  { offset: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'a zstd file', remedy: unpack('unzstd') },
  { offset: 0, bytes: ascii('BZh'), what: 'a bzip2 file', remedy: unpack('bunzip2') },
  { offset: 0, bytes: [0x04, 0x22, 0x4d, 0x18], what: 'an lz4 file', remedy: unpack('unlz4') },
  { offset: 0, bytes: [0x02, 0x21, 0x4c, 0x18], what: 'an lz4 file', remedy: unpack('unlz4') },
  { offset: 0, bytes: [0x89, 0x4c, 0x5a, 0x4f], what: 'an lzop file', remedy: unpack('lzop -d') },
  { offset: 0, bytes: [0x89, 0x50, 0x4e, 0x47], what: 'a PNG picture', remedy: OTHER_FILE },
  { offset: 0, bytes: [0xff, 0xd8, 0xff], what: 'a JPEG picture', remedy: OTHER_FILE },
  { offset: 0, bytes: ascii('GIF8'), what: 'a GIF picture', remedy: OTHER_FILE },
  { offset: 0, bytes: ascii('%PDF'), what: 'a PDF document', remedy: OTHER_FILE },
  { offset: 0, bytes: [0x50, 0x4b, 3, 4], what: 'a ZIP archive', remedy: 'Unpack it first: unzip FILE.' },
  {
    offset: 0,
    bytes: ascii('!<arch>\ndebian'),
    what: 'a Debian package',
    remedy: 'Unpack it first: dpkg-deb -x FILE.',
  },
  { offset: 0, bytes: ascii('!<arch>\n'), what: 'an ar archive', remedy: OTHER_FILE },
  { offset: 0, bytes: [0xed, 0xab, 0xee, 0xdb], what: 'an RPM package', remedy: 'Unpack it first: rpm2cpio FILE.' },
  { offset: 257, bytes: ascii('ustar'), what: 'a tar archive', remedy: 'Unpack it first: tar -xf FILE.' },
  { offset: 0, bytes: ascii('070701'), what: 'a cpio archive', remedy: 'Pass it with --initrd, and give a kernel.' },
  { offset: 0, bytes: ascii('070702'), what: 'a cpio archive', remedy: 'Pass it with --initrd, and give a kernel.' },
  { offset: 0, bytes: [0xc7, 0x71], what: 'a cpio archive', remedy: 'Pass it with --initrd, and give a kernel.' },
  { offset: 4, bytes: ascii('zimg'), what: 'a compressed EFI kernel (zboot)', remedy: ARM_REMEDY },
  { offset: 0x38, bytes: [0x41, 0x52, 0x4d, 0x64], what: 'an ARM64 kernel Image', remedy: ARM_REMEDY },
  { offset: 0x38, bytes: [0x52, 0x53, 0x43, 0x05], what: 'a RISC-V kernel Image', remedy: ARM_REMEDY },
  { offset: 0x24, bytes: [0x18, 0x28, 0x6f, 0x01], what: 'a 32-bit ARM zImage', remedy: ARM_REMEDY },
  { offset: 0, bytes: [0x27, 0x05, 0x19, 0x56], what: 'a U-Boot image', remedy: OTHER_FILE },
  { offset: 0, bytes: [0xd0, 0x0d, 0xfe, 0xed], what: 'a device tree or FIT image', remedy: OTHER_FILE },
  {
    ...{ offset: 0, bytes: ascii('MZ'), and: peAt, what: 'an EFI (PE) binary without a Linux boot header' },
    remedy: 'Give the bzImage or vmlinux that it was made from.',
  },
  { offset: 0, bytes: ascii('MZ'), what: 'a DOS program', remedy: OTHER_FILE },
  {
    offset: 0x8001,
    bytes: ascii('CD001'),
    what: 'an ISO 9660 image',
    remedy: 'Pass it with --cdrom, and give a kernel.',
  },
  { offset: 0, bytes: [...ascii('QFI'), 0xfb], what: 'a qcow2 disk image', remedy: DISK_REMEDY },
  { offset: 0, bytes: ascii('KDMV'), what: 'a VMDK disk image', remedy: DISK_REMEDY },
  { offset: 0, bytes: ascii('conectix'), what: 'a VHD disk image', remedy: DISK_REMEDY },
  { offset: 0x438, bytes: [0x53, 0xef], what: 'an ext2, ext3 or ext4 file system', remedy: DISK_REMEDY },
  { offset: 0, bytes: ascii('hsqs'), what: 'a squashfs file system', remedy: DISK_REMEDY },
  { offset: 0, bytes: ascii('XFSB'), what: 'an XFS file system', remedy: DISK_REMEDY },
  { offset: 0x1fe, bytes: [0x55, 0xaa], what: 'a disk image with a boot sector', remedy: DISK_REMEDY },
  { offset: 0, bytes: ascii('#!'), what: 'a script', remedy: OTHER_FILE },
];

/** Names a file by its first {@link HEAD_SIZE} bytes (fewer if it is shorter). Never throws. */
export function identify(head: Uint8Array): Identity {
  if (head.length === 0) return { what: 'an empty file', remedy: OTHER_FILE };
  const oddity = elfOddity(head);
  if (oddity) return oddity;
  const magic = MAGICS.find(row => matches(head, row));
  if (magic) return magic;
  if (head.every(byte => byte === 0)) return { what: 'a file that begins with zeros only', remedy: OTHER_FILE };
  if (isText(head.subarray(0, 512))) return { what: 'a text file', remedy: OTHER_FILE };
  return { what: `neither an ELF file nor a bzImage (it begins with ${beginning(head)})`, remedy: OTHER_FILE };
}

function matches(head: Uint8Array, row: Magic): boolean {
  if (row.offset + row.bytes.length > head.length) return false;
  return row.bytes.every((byte, i) => head[row.offset + i] === byte) && (row.and?.(head) ?? true);
}

function isText(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d) || byte === 0x1b) && !bytes.includes(0x7f);
}

function beginning(head: Uint8Array): string {
  return Array.from(head.subarray(0, 4), byte => hex(byte, 2).slice(2)).join(' ');
}
