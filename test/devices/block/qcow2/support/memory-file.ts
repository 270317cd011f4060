/** An image file in memory, that notes where it is written. */

import type { ImageFile } from '../../../../../src/devices/block/image-file.ts';
import { sliceScattered } from '../../../../../src/devices/scatter.ts';

export class MemoryFile implements ImageFile {
  readonly label = 'memory.qcow2';
  readonly readOnly: boolean;
  readonly length: number;
  /** Farther than this nothing may be written. */
  limit = Number.POSITIVE_INFINITY;
  closed = false;
  /** Runs before each access; may throw. */
  before: (what: 'read' | 'write' | 'flush', offset: number, length: number) => void = () => {};
  /** Reads are answered at once, as from the page cache. */
  immediate = false;
  #bytes: Uint8Array;
  #end: number;

  constructor(bytes: Uint8Array, readOnly = false) {
    this.#bytes = bytes.slice();
    this.#end = bytes.length;
    this.length = bytes.length;
    this.readOnly = readOnly;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    this.before('read', offset, 0);
    if (this.immediate) return this.#read(offset, buffers);
    return new Promise(resolve => setImmediate(() => resolve(this.#read(offset, buffers))));
  }

  async write(offset: number, buffers: readonly Uint8Array[], _durable: boolean): Promise<void> {
    const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    this.before('write', offset, length);
    if (this.readOnly) throw new Error('written though read-only');
    if (offset < 0 || offset + length > this.limit) throw new Error(`written outside the image, at ${offset}`);
    if (!this.immediate) await new Promise(resolve => setImmediate(resolve));
    if (offset + length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, offset + length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#end = Math.max(this.#end, offset + length);
    let at = offset;
    for (const buffer of buffers) {
      this.#bytes.set(buffer, at);
      at += buffer.length;
    }
  }

  async flush(): Promise<void> {
    this.before('flush', 0, 0);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #read(offset: number, buffers: readonly Uint8Array[]): number {
    const there = Math.max(0, this.#end - offset);
    let done = 0;
    for (const buffer of sliceScattered(buffers, 0, there)) {
      buffer.set(this.#bytes.subarray(offset + done, offset + done + buffer.length));
      done += buffer.length;
    }
    return done;
  }
}
