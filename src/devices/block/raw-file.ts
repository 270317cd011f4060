/** A disk whose bytes are a file's or a block device's bytes, as far as they make whole sectors. */
import { alignDown } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { log } from '../../base/log.ts';
import { scatteredLength } from '../scatter.ts';
import type { BlockBackend } from './backend.ts';
import type { BlockSizes } from './block-sizes.ts';
import type { DiskFile } from './image-file.ts';
import { SECTOR } from './registers.ts';

export class RawFile implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean;
  readonly label: string;
  readonly blockSizes: BlockSizes;
  readonly #file: DiskFile;

  /** Throws UsageError for a file without a sector. A size that is no multiple of 512 is rounded down, with a warning. */
  constructor(file: DiskFile) {
    this.#file = file;
    this.label = file.label;
    this.readOnly = file.readOnly;
    this.blockSizes = file.blockSizes;
    this.size = sizeOf(file);
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    return this.#file.read(offset, buffers);
  }

  write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void {
    this.#keepInside(offset, scatteredLength(buffers));
    return this.#file.write(offset, buffers, durable);
  }

  async writeZeroes(offset: number, length: number, unmap: boolean): Promise<void> {
    this.#keepInside(offset, length);
    return this.#file.zero(offset, length, unmap);
  }

  async discard(offset: number, length: number): Promise<void> {
    this.#keepInside(offset, length);
    await this.#file.discard?.(offset, length);
  }

  sizeNow(): number {
    return alignDown(this.#file.lengthNow(), SECTOR);
  }

  flush(): Promise<void> {
    return this.#file.flush();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** A write behind the end would make a file that somebody has shortened grow again, with a hole where the guest had data. */
  #keepInside(offset: number, length: number): void {
    if (offset + length > this.sizeNow()) throw new Error('the image ends early, somebody has shortened it');
  }
}

function sizeOf({ label, length }: DiskFile): number {
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
