/** A disk whose bytes are a file's or a block device's bytes, as far as they make whole sectors. */
import { alignDown } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import type { BlockBackend } from './backend.ts';
import { HostFile } from './host-file.ts';
import type { ImageFile } from './image-file.ts';
import { SECTOR } from './registers.ts';

export class RawFile implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly label: string;
  readonly #file: ImageFile;

  /** Throws UsageError for a file without a sector. A size that is no multiple of 512 is rounded down, with a warning. */
  constructor(file: ImageFile) {
    this.#file = file;
    this.label = file.label;
    this.readOnly = file.readOnly;
    this.size = sizeOf(file);
  }

  /**
   * Opens and locks an image. Throws UsageError, one sentence, for a file that cannot be a disk, and HostError for one that
   * another process has open.
   */
  static async open(path: string, readOnly: boolean): Promise<RawFile> {
    const file = await HostFile.open(path, readOnly);
    try {
      return new RawFile(file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    return this.#file.read(offset, buffers);
  }

  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> {
    return this.#file.write(offset, buffers, durable);
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function sizeOf({ label, length }: ImageFile): number {
  const rounded = alignDown(length, SECTOR);
  if (rounded === 0) {
    throw new UsageError(
      `Block image ${label} is ${length === 0 ? 'empty' : 'shorter than a sector of 512 bytes'}.`,
      `Give it a size, for example with \`truncate -s 1G ${label}\`.`,
    );
  }
  if (rounded !== length) {
    log.warn(`block image ${label} is ${length} bytes, not a multiple of 512: the guest sees the first ${rounded}.`);
  }
  return rounded;
}
