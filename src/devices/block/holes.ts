/**
 * Zeroes and holes in a file or block device without writing bytes, where the host can: what a file system or disk has refused once is not
 * asked of it again, and zeroes are then written out.
 */
import { KiB } from '../../base/bits.ts';
import { discardBlocks, punchHole, zeroRange } from '../../host/file-space.ts';

/** Zeroes that are written out go in pieces of this size at most. */
const ZEROES = new Uint8Array(512 * KiB);

/** "Not here, not ever", as different file systems say it. */
const NEVER: ReadonlySet<unknown> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'ENODEV', 'ENOTTY', 'EPERM']);

type Way = 'hole' | 'zeroes' | 'discard';
type Write = (offset: number, buffers: readonly Uint8Array[]) => Promise<void> | void;

export class Holes {
  readonly #fd: number;
  readonly #isDevice: boolean;
  readonly #write: Write;
  readonly #refused = new Set<Way>();

  /** `write` is how zeroes are written out. */
  constructor(fd: number, isDevice: boolean, write: Write) {
    this.#fd = fd;
    this.#isDevice = isDevice;
    this.#write = write;
  }

  /** [offset, offset + length) reads as zeroes; with `unmap` it is given back to the host if that can be. */
  async zero(offset: number, length: number, unmap: boolean): Promise<void> {
    if (unmap && (await this.#try('hole', () => punchHole(this.#fd, offset, length)))) return;
    if (await this.#try('zeroes', () => zeroRange(this.#fd, offset, length))) return;
    for (let done = 0; done < length; done += ZEROES.length) {
      await this.#write(offset + done, [ZEROES.subarray(0, Math.min(ZEROES.length, length - done))]);
    }
  }

  /** [offset, offset + length) is given back to the host if that can be, and holds anything afterwards. */
  async discard(offset: number, length: number): Promise<void> {
    if (this.#isDevice) await this.#try('discard', () => discardBlocks(this.#fd, offset, length));
    else await this.#try('hole', () => punchHole(this.#fd, offset, length));
  }

  /** Whether that worked. Rejects with errors that say nothing about whether it could. */
  async #try(way: Way, action: () => Promise<void>): Promise<boolean> {
    if (this.#refused.has(way)) return false;
    try {
      await action();
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A range that is not aligned to a device's blocks.
      if (code === 'EINVAL') return false;
      if (!NEVER.has(code)) throw error;
      this.#refused.add(way);
      return false;
    }
  }
}
