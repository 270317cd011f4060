/**
 * Images of other programs, and packed ones. Their bytes are not the disk's: a guest would see rubbish and write into the container. So what
 * looks like one is refused unless `format=raw` says that it is meant.
 */
import { UsageError } from '../../base/errors.ts';

interface Foreign {
  readonly what: string;
  /** Where the mark is, and what it is. */
  readonly at: number;
  readonly mark: string;
  /** With FILE for the file's name. */
  readonly remedy: string;
}

const CONVERT = 'Convert it with `qemu-img convert -O qcow2 FILE NEW`';

const FOREIGN: readonly Foreign[] = [
  { what: 'a VMDK image', at: 0, mark: 'KDMV', remedy: CONVERT },
  { what: 'the description of a VMDK image', at: 0, mark: '# Disk DescriptorFile', remedy: CONVERT },
  { what: 'a VDI image', at: 0x40, mark: '\x7f\x10\xda\xbe', remedy: CONVERT },
  { what: 'a VHDX image', at: 0, mark: 'vhdxfile', remedy: CONVERT },
  { what: 'a VHD image', at: 0, mark: 'conectix', remedy: CONVERT },
  { what: 'a QED image', at: 0, mark: 'QED\0', remedy: CONVERT },
  { what: 'a Parallels image', at: 0, mark: 'WithoutFreeSpace', remedy: CONVERT },
  { what: 'a Parallels image', at: 0, mark: 'WithouFreSpacExt', remedy: CONVERT },
  { what: 'a gzip file', at: 0, mark: '\x1f\x8b\x08', remedy: 'Unpack it with `gunzip -k FILE`' },
  { what: 'an xz file', at: 0, mark: '\xfd7zXZ\0', remedy: 'Unpack it with `unxz -k FILE`' },
  { what: 'a zstd file', at: 0, mark: '\x28\xb5\x2f\xfd', remedy: 'Unpack it with `unzstd FILE`' },
  { what: 'a bzip2 file', at: 0, mark: 'BZh', remedy: 'Unpack it with `bunzip2 -k FILE`' },
  { what: 'a zip file', at: 0, mark: 'PK\x03\x04', remedy: 'Unpack it with `unzip FILE`' },
];

/** How much of a file {@link refuseForeign} looks at, in bytes. */
export const LOOKED_AT = 512;

/** Throws UsageError if a file that begins with `start` is none of ours. */
export function refuseForeign(path: string, start: Uint8Array): void {
  const text = Buffer.from(start).toString('latin1');
  const found = FOREIGN.find(({ at, mark }) => text.startsWith(mark, at));
  if (found === undefined) return;
  throw new UsageError(
    `Block image ${path} looks like ${found.what}, which is no disk as it is.`,
    `${found.remedy.replace('FILE', () => path)}, or append ",format=raw" if its bytes are meant to be the disk's.`,
  );
}
