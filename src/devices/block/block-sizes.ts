/** In which units a file or block device likes to be used: a guest that keeps to them spares the host reading before it writes. */
import type { Stats } from 'node:fs';
import { isPowerOfTwo } from '../../base/bits.ts';
import { ioctlStruct } from '../../host/ioctl.ts';
import { SECTOR } from './registers.ts';

/** All in bytes, powers of two. */
export interface BlockSizes {
  /** What partition tables and file systems on the disk count in; everything still works in sectors of 512 bytes. */
  readonly logical: number;
  /** What the medium writes at once, at least as large. */
  readonly physical: number;
  /** The least that a discard can give back. */
  readonly discard: number;
}

/** linux/fs.h: `_IO(0x12, 104)` and `_IO(0x12, 123)`, an int each. */
const BLKSSZGET = 0x1268;
const BLKPBSZGET = 0x127b;
const MOST = 65_536;

export function blockSizesOf(fd: number, stats: Stats): BlockSizes {
  // A disk in a file has sectors as all disks had when images began: who moves it elsewhere finds its partitions again.
  if (!stats.isBlockDevice()) {
    const physical = sane(stats.blksize, SECTOR);
    return { logical: SECTOR, physical, discard: physical };
  }
  const logical = sane(ask(fd, 'BLKSSZGET', BLKSSZGET), SECTOR);
  const physical = sane(ask(fd, 'BLKPBSZGET', BLKPBSZGET), logical);
  return { logical, physical, discard: physical };
}

function ask(fd: number, name: string, request: number): number {
  const answer = new Int32Array(1);
  ioctlStruct(fd, name, request, new Uint8Array(answer.buffer));
  return answer[0]!;
}

function sane(size: number, least: number): number {
  return isPowerOfTwo(size) && size >= least && size <= MOST ? size : Math.max(least, 4096);
}
