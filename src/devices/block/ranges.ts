/**
 * The ranges that discard and write-zeroes requests carry as their data (virtio 1.2, 5.2.6): `struct virtio_blk_discard_write_zeroes`
 * each, sector, number of sectors, flags. Checked all together before anything is done.
 */

import { readLe } from '../../base/bits.ts';
import { gatherScattered, scatteredLength } from '../scatter.ts';
import { MAX_RANGE_SECTORS, MAX_RANGES, SECTOR } from './registers.ts';

/** In bytes, wholly on the disk. */
export interface DiskRange {
  readonly offset: number;
  readonly length: number;
  /** The range may be given back. */
  readonly unmap: boolean;
}

/** Why ranges are not accepted: they are wrong, or want what nobody knows. */
export type RangeFault = 'wrong' | 'unknown';

const RANGE = 16;
const UNMAP = 1;

/** Unknown flags, and the unmap flag where it has no meaning, are `unknown` (5.2.6.2); beyond the limits of registers.ts is `wrong`. */
export function parseRanges(
  data: readonly Uint8Array[],
  sectors: number,
  mayUnmap: boolean,
): readonly DiskRange[] | RangeFault {
  const length = scatteredLength(data);
  if (length === 0 || length % RANGE !== 0 || length > MAX_RANGES * RANGE) return 'wrong';
  // Copied before it is looked at: the guest may change its own memory meanwhile.
  const bytes = new Uint8Array(length);
  gatherScattered(data, bytes);
  const ranges: DiskRange[] = [];
  let fault: RangeFault | undefined;
  for (let at = 0; at < length; at += RANGE) {
    const sector = readLe(bytes, at, 4) + readLe(bytes, at + 4, 4) * 2 ** 32;
    const count = readLe(bytes, at + 8, 4);
    const flags = readLe(bytes, at + 12, 4);
    if ((flags & ~(mayUnmap ? UNMAP : 0)) !== 0) return 'unknown';
    if (count > MAX_RANGE_SECTORS || sector + count > sectors) fault = 'wrong';
    ranges.push({ offset: sector * SECTOR, length: count * SECTOR, unmap: (flags & UNMAP) !== 0 });
  }
  return fault ?? ranges.filter(range => range.length > 0);
}
