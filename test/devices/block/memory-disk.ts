/** A disk in memory that keeps a journal of what it was asked, can be slow, fail, and move less than it should. */
import type { BlockBackend } from '../../../src/devices/block/backend.ts';

export class MemoryDisk implements BlockBackend {
  readonly size: number;
  readonly readOnly: boolean = false;
  readonly label = 'memory';
  readonly bytes: Uint8Array;
  /** In order: `read 0+512`, `write 0+512`, `write 0+512 durable`, `flush`, `flushed`. */
  readonly journal: string[] = [];
  closed = false;
  /** What the host says that its size is. */
  sizeOnHost: number;
  /** Runs before each access; may throw, or wait. */
  before: (what: string) => void | Promise<void> = () => {};
  /** At most this many bytes per read, as if the medium ended. */
  readLimit = Number.POSITIVE_INFINITY;
  /** Reads complete on the spot, as from a page cache. */
  immediate = false;

  constructor(size: number) {
    this.size = size;
    this.sizeOnHost = size;
    this.bytes = new Uint8Array(size);
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    const run = () => {
      let at = offset;
      for (const buffer of buffers) {
        const part = this.bytes.subarray(at, Math.min(at + buffer.length, offset + this.readLimit));
        buffer.set(part);
        at += part.length;
      }
      return at - offset;
    };
    const what = `read ${offset}+${lengthOf(buffers)}`;
    if (!this.immediate) return this.#do(what).then(run);
    this.journal.push(what);
    void this.before(what);
    return run();
  }

  async write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> {
    await this.#do(`write ${offset}+${lengthOf(buffers)}${durable ? ' durable' : ''}`);
    let at = offset;
    for (const buffer of buffers) {
      if (at + buffer.length > this.size) throw new Error('the disk would have grown');
      this.bytes.set(buffer, at);
      at += buffer.length;
    }
  }

  async writeZeroes(offset: number, length: number, unmap: boolean): Promise<void> {
    await this.#do(`zero ${offset}+${length}${unmap ? ' unmap' : ''}`);
    this.bytes.fill(0, offset, offset + length);
  }

  async discard(offset: number, length: number): Promise<void> {
    await this.#do(`discard ${offset}+${length}`);
    this.bytes.fill(0, offset, offset + length);
  }

  sizeNow(): number {
    return this.sizeOnHost;
  }

  async flush(): Promise<void> {
    await this.#do('flush');
    this.journal.push('flushed');
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #do(what: string): Promise<void> {
    this.journal.push(what);
    await this.before(what);
  }
}

function lengthOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}
