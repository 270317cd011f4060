import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { HEAD_SIZE, identify } from '../../src/boot/identify.ts';
import { elfFile } from './support/elf-file.ts';

/** A head of the given size with text or bytes at offsets. */
function head(parts: Record<number, string | readonly number[]>, size = 512): Uint8Array {
  const out = new Uint8Array(size);
  for (const [at, part] of Object.entries(parts)) {
    out.set(typeof part === 'string' ? new TextEncoder().encode(part) : part, Number(at));
  }
  return out;
}

const rows: readonly [string, Uint8Array, RegExp][] = [
  ['an empty file', new Uint8Array(0), /Give a vmlinux/],
  ['a gzip file', gzipSync('kernel'), /^Decompress it first: gunzip FILE\.$/],
  ['an xz file', head({ 0: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] }), /unxz FILE/],
  ['an lzma file', head({ 0: [0x5d, 0, 0, 0x80] }), /unlzma FILE/],
  ['a zstd file', head({ 0: [0x28, 0xb5, 0x2f, 0xfd] }), /unzstd FILE/],
  ['a bzip2 file', head({ 0: 'BZh91AY' }), /bunzip2 FILE/],
  ['an lz4 file', head({ 0: [0x04, 0x22, 0x4d, 0x18] }), /unlz4 FILE/],
  ['an lz4 file', head({ 0: [0x02, 0x21, 0x4c, 0x18] }), /unlz4 FILE/],
  ['an lzop file', head({ 0: [0x89, 0x4c, 0x5a, 0x4f] }), /lzop/],
  ['a PNG picture', head({ 0: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a] }), /Give a vmlinux/],
  ['a JPEG picture', head({ 0: [0xff, 0xd8, 0xff, 0xe0] }), /Give a vmlinux/],
  ['a GIF picture', head({ 0: 'GIF89a' }), /Give a vmlinux/],
  ['a PDF document', head({ 0: '%PDF-1.7' }), /Give a vmlinux/],
  ['a ZIP archive', head({ 0: [0x50, 0x4b, 3, 4] }), /unzip FILE/],
  ['a Debian package', head({ 0: '!<arch>\ndebian-binary' }), /dpkg-deb -x FILE/],
  ['an ar archive', head({ 0: '!<arch>\nlib.o' }), /Give a vmlinux/],
  ['an RPM package', head({ 0: [0xed, 0xab, 0xee, 0xdb] }), /rpm2cpio FILE/],
  ['a tar archive', head({ 257: 'ustar' }), /tar -xf FILE/],
  ['a cpio archive', head({ 0: '070701' }), /--initrd/],
  ['a cpio archive', head({ 0: '070702' }), /--initrd/],
  ['a cpio archive', head({ 0: [0xc7, 0x71] }), /--initrd/],
  ['an ARM64 kernel Image', head({ 0: 'MZ', 56: 'ARM\x64' }), /built for x86/],
  ['a RISC-V kernel Image', head({ 56: 'RSC\x05' }), /built for x86/],
  ['a 32-bit ARM zImage', head({ 36: [0x18, 0x28, 0x6f, 0x01] }), /built for x86/],
  ['a compressed EFI kernel (zboot)', head({ 0: 'MZ', 4: 'zimg' }), /built for x86/],
  ['a U-Boot image', head({ 0: [0x27, 0x05, 0x19, 0x56] }), /Give a vmlinux/],
  ['a device tree or FIT image', head({ 0: [0xd0, 0x0d, 0xfe, 0xed] }), /Give a vmlinux/],
  [
    'an EFI (PE) binary without a Linux boot header',
    head({ 0: 'MZ', 60: [0x80], 128: 'PE\0\0' }),
    /bzImage or vmlinux/,
  ],
  ['a DOS program', head({ 0: 'MZ', 60: [0xff, 0xff, 0xff, 0xff] }), /Give a vmlinux/],
  ['an ISO 9660 image', head({ 32769: 'CD001' }, HEAD_SIZE), /--cdrom/],
  ['a qcow2 disk image', head({ 0: [0x51, 0x46, 0x49, 0xfb] }), /--block/],
  ['a VMDK disk image', head({ 0: 'KDMV' }), /--block/],
  ['a VHD disk image', head({ 0: 'conectix' }), /--block/],
  ['an ext2, ext3 or ext4 file system', head({ 1080: [0x53, 0xef] }, 4096), /--block/],
  ['a squashfs file system', head({ 0: 'hsqs' }), /--block/],
  ['an XFS file system', head({ 0: 'XFSB' }), /--block/],
  ['a disk image with a boot sector', head({ 0: [0xeb, 0x63], 510: [0x55, 0xaa] }), /--block/],
  ['a script', head({ 0: '#!/bin/sh\n' }), /Give a vmlinux/],
  ['a text file', new TextEncoder().encode('root:x:0:0:root:/root:/bin/bash\n'), /Give a vmlinux/],
  ['an ELF file for an ARM64 processor', elfFile({ machine: 183 }).bytes, /built for x86/],
  ['a file that begins with zeros only', head({}), /Give a vmlinux/],
  ['neither an ELF file nor a bzImage (it begins with 01 80 fe 00)', head({ 0: [1, 0x80, 0xfe] }), /Give a vmlinux/],
];

describe('identify', () => {
  for (const [what, bytes, remedy] of rows) {
    it(`knows ${what}`, () => {
      expect(identify(bytes).what).toBe(what);
      expect(identify(bytes).remedy).toMatch(remedy);
    });
  }

  it('names every file that is cut anywhere, without failing', () => {
    for (const [, bytes] of rows) {
      for (let length = 0; length <= Math.min(bytes.length, 600); length++) {
        expect(identify(bytes.subarray(0, length)).what).toMatch(/^(an?|neither) /);
      }
    }
    expect(identify(deflateRawSync(Buffer.alloc(100, 'x'))).remedy).toMatch(/\.$/);
  });
});
