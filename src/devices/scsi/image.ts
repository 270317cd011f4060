/**
 * A CD-ROM whose blocks are a file's, usually an ISO 9660 image. It is opened to read, with a lock that it shares with other readers
 * and not with a writer.
 */
import { alignDown } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import { HostFile } from '../block/host-file.ts';
import type { ImageFile } from '../block/image-file.ts';
import { CDROM_IMAGE } from '../block/raw-file-errors.ts';
import type { CdromBackend } from './backend.ts';
import { BLOCK } from './registers.ts';

export class CdromImage implements CdromBackend {
  readonly blocks: number;
  readonly label: string;
  readonly #file: ImageFile;

  private constructor(file: ImageFile) {
    this.#file = file;
    this.label = file.label;
    this.blocks = blocksOf(file);
  }

  /**
   * Opens and locks an image. Throws UsageError, one sentence, for a file that cannot be a CD-ROM, and HostError for one that
   * another process may write. A size that is no multiple of 2048 is rounded down, with a warning.
   */
  static async open(path: string): Promise<CdromImage> {
    const file = await HostFile.open(path, { readOnly: true, kind: CDROM_IMAGE });
    try {
      return new CdromImage(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    return this.#file.read(offset, buffers);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function blocksOf({ label, length }: ImageFile): number {
  const rounded = alignDown(length, BLOCK);
  if (rounded === 0) {
    const what = length === 0 ? 'empty' : `shorter than a block of ${BLOCK} bytes`;
    throw new UsageError(
      `CD-ROM image ${label} is ${what}.`,
      'Name an ISO image, for example one that genisoimage made.',
    );
  }
  if (rounded !== length) {
    log.warn(
      `CD-ROM image ${label} is ${length} bytes, not a multiple of ${BLOCK}: the guest sees the first ${rounded}.`,
    );
  }
  return rounded / BLOCK;
}
