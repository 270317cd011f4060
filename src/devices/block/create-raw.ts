/** A new raw image: a file that is one hole, and takes space as it is written. */
import { UsageError } from '../../base/errors.ts';
import { createFile } from './create-file.ts';
import { SECTOR } from './registers.ts';

/** `size` in bytes, a multiple of 512. Throws UsageError or HostError, with nothing left behind. */
export async function createRaw(path: string, size: number): Promise<void> {
  if (!Number.isSafeInteger(size) || size <= 0 || size % SECTOR !== 0) {
    throw new UsageError(`A disk of ${size} bytes is not possible.`, 'Use a multiple of 512 bytes, for example 10G.');
  }
  await createFile(path, file => file.truncate(size));
}
