/**
 * Two marks in the header of an image that changes. What other programs noted about its content (autoclear features) is void with the first
 * write. And while refcounts may be ahead of the tables, a version 3 image is marked dirty: after a crash whoever opens it next
 * counts its clusters anew and so gets back those that the crash lost.
 */
import { FIELD } from './format.ts';
import type { Header } from './header.ts';
import type { ImageBytes } from './image-bytes.ts';

/** The lowest byte of the big-endian incompatible features has the dirty bit. */
const DIRTY_BYTE = FIELD.incompatible + 7;
const DIRTY = 1;

export class HeaderMarks {
  readonly #header: Header;
  readonly #bytes: ImageBytes;
  #autocleared: Promise<void> | undefined;
  #dirtied: Promise<void> | undefined;
  #suspect = false;
  #changed: boolean;

  constructor(header: Header, bytes: ImageBytes) {
    this.#header = header;
    this.#bytes = bytes;
    this.#changed = !header.autoclear;
    if (this.#changed) this.#autocleared = Promise.resolve();
    if (header.version === 2) this.#dirtied = Promise.resolve();
  }

  /** Whether all is ready for a change of data. */
  get changed(): boolean {
    return this.#changed;
  }

  /** Await this before the first change of anything. */
  changing(): Promise<void> {
    this.#autocleared ??= this.#put(FIELD.autoclear, new Uint8Array(8)).then(
      () => {
        this.#changed = true;
      },
      error => {
        this.#autocleared = undefined;
        throw error;
      },
    );
    return this.#autocleared;
  }

  /** Await this before the first change of a table. */
  allocating(): Promise<void> {
    this.#dirtied ??= this.#readByte()
      .then(byte => this.#put(DIRTY_BYTE, Uint8Array.of(byte | DIRTY)))
      .catch(error => {
        this.#dirtied = undefined;
        throw error;
      });
    return this.#dirtied;
  }

  /** Something about the refcounts is wrong: the image stays marked. */
  suspect(): void {
    this.#suspect = true;
  }

  /** Everything is durable. */
  async clean(): Promise<void> {
    if (this.#dirtied === undefined || this.#header.version === 2 || this.#suspect) return;
    await this.#put(DIRTY_BYTE, Uint8Array.of((await this.#readByte()) & ~DIRTY));
    this.#dirtied = undefined;
  }

  async #readByte(): Promise<number> {
    const byte = new Uint8Array(1);
    await this.#bytes.read(DIRTY_BYTE, [byte]);
    return byte[0]!;
  }

  async #put(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#bytes.write(offset, [bytes]);
    await this.#bytes.sync();
  }
}
