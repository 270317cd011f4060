/**
 * A raw disk whose format was guessed, so that it must go on looking like one: its first sector never takes the start of a qcow2 image.
 * A guest that needs to write one (it keeps an image on the bare disk) gets `format=raw`, which makes no guess.
 */
import { log } from '../../base/log.ts';
import { gatherScattered, sliceScattered } from '../scatter.ts';
import { isQcow } from './qcow2/header.ts';
import { RawFile } from './raw-file.ts';
import { SECTOR } from './registers.ts';

export class GuardedRaw extends RawFile {
  #told = false;

  override write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> | void {
    if (offset !== 0) return super.write(offset, buffers, durable);
    // Looked at as a copy, and the copy is written: the guest may change its own memory meanwhile.
    const start = new Uint8Array(SECTOR);
    const length = gatherScattered(buffers, start);
    if (isQcow(start.subarray(0, length))) {
      this.#tell();
      throw new Error('a qcow2 header does not go to a disk whose format was guessed');
    }
    const rest = sliceScattered(buffers, length, Number.POSITIVE_INFINITY);
    return super.write(0, [start.subarray(0, length), ...rest], durable);
  }

  #tell(): void {
    if (this.#told) return;
    this.#told = true;
    log.warn(
      `block image ${this.label}: the guest wants to make it look like a qcow2 image, which is refused; ` +
        'append ",format=raw" if that is meant to be.',
    );
  }
}
