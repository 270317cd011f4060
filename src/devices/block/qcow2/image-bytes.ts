/**
 * The image file as the format's code sees it: reads come whole, with zeroes where the file was never written, and never quietly
 * short where it was. After a failed sync nobody knows what is on the medium, so from then on nothing is promised any more.
 */
import { scatteredLength } from '../../scatter.ts';
import type { ImageFile } from '../image-file.ts';
import { ImageError } from './refusal.ts';

export class ImageBytes {
  readonly file: ImageFile;
  #end: number;
  #failed: unknown;

  constructor(file: ImageFile) {
    this.file = file;
    this.#end = file.length;
  }

  /** The file's length in bytes, as far as it is known to reach. */
  get end(): number {
    return this.#end;
  }

  /** Fills `buffers`, at once if the bytes are at hand. Throws or rejects if the file has become shorter. */
  read(offset: number, buffers: readonly Uint8Array[]): Promise<void> | void {
    const count = this.file.read(offset, buffers);
    if (typeof count === 'number') return complete(offset, buffers, count, this.#end);
    // The end as it is now: a write that ends meanwhile moves it, and this read need not have seen that.
    const end = this.#end;
    return count.then(came => complete(offset, buffers, came, end));
  }

  /** Stores `buffers`, at once if the file can. Throws what made an earlier sync fail. */
  write(offset: number, buffers: readonly Uint8Array[], durable = false): Promise<void> | void {
    if (this.#failed !== undefined) throw this.#failed;
    const end = offset + scatteredLength(buffers);
    const written = this.file.write(offset, buffers, durable);
    if (written === undefined) return this.#reaches(end);
    return written.then(() => this.#reaches(end));
  }

  #reaches(end: number): void {
    if (end > this.#end) this.#end = end;
  }

  async sync(): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      await this.file.flush();
    } catch (error) {
      this.#failed = error;
      throw error;
    }
  }

  /** Whether a sync has failed. */
  get failed(): boolean {
    return this.#failed !== undefined;
  }
}

/** Clears what did not come, which must lie behind the end of the file as it is known. */
function complete(offset: number, buffers: readonly Uint8Array[], count: number, end: number): void {
  let at = 0;
  for (const buffer of buffers) {
    if (at + buffer.length > count) buffer.fill(0, Math.max(0, count - at));
    at += buffer.length;
  }
  if (count < at && offset + count < end) throw new ImageError('the image file ends early, somebody has shortened it');
}
