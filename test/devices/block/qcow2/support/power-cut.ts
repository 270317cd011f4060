/**
 * An image file on a medium that loses power: after a number of writes and flushes every access fails, and what then is on the medium
 * is what was flushed, and of the rest all (the process was killed) or any part, sector by sector (the power went).
 */
import type { ImageFile } from '../../../../../src/devices/block/image-file.ts';
import type { Random } from '../../../random.ts';
import { MemoryFile } from './memory-file.ts';

const SECTOR = 512;

interface Written {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class PowerCutFile implements ImageFile {
  readonly label = 'medium.qcow2';
  readonly readOnly = false;
  readonly length: number;
  /** Writes and flushes so far. */
  operations = 0;
  readonly #now: MemoryFile;
  #durable: Uint8Array;
  #pending: Written[] = [];
  readonly #limit: number;

  /** Power goes when operation number `limit` is about to begin. */
  constructor(content: Uint8Array, limit: number) {
    this.#now = new MemoryFile(content);
    this.#durable = content.slice();
    this.length = content.length;
    this.#limit = limit;
  }

  get off(): boolean {
    return this.operations >= this.#limit;
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    if (this.off) throw new Error('power is off');
    return this.#now.read(offset, buffers);
  }

  async write(offset: number, buffers: readonly Uint8Array[], durable: boolean): Promise<void> {
    this.#begin();
    const written = { offset, bytes: new Uint8Array(Buffer.concat(buffers)) };
    this.#pending.push(written);
    await this.#now.write(offset, buffers, durable);
    if (this.off) throw new Error('power is off');
    if (durable) this.#keep([written]);
  }

  async flush(): Promise<void> {
    this.#begin();
    const pending = [...this.#pending];
    await new Promise(resolve => setImmediate(resolve));
    if (this.off) throw new Error('power is off');
    this.#keep(pending);
  }

  async close(): Promise<void> {}

  /** What is on the medium if the process was killed, and the host went on. */
  afterKill(): Uint8Array {
    return apply(this.#durable, this.#pending);
  }

  /** What is on the medium if the host lost power: of each unflushed write any sectors, or none, or all. */
  afterPowerCut(random: Random): Uint8Array {
    const parts = this.#pending.flatMap(({ offset, bytes }) => {
      const fate = random.below(3);
      if (fate === 0) return [];
      if (fate === 1) return [{ offset, bytes }];
      return sectors(offset, bytes).filter(() => random.below(2) === 0);
    });
    return apply(this.#durable, parts);
  }

  #begin(): void {
    if (this.off) throw new Error('power is off');
    this.operations++;
  }

  #keep(written: readonly Written[]): void {
    this.#durable = apply(this.#durable, written);
    this.#pending = this.#pending.filter(each => !written.includes(each));
  }
}

function sectors(offset: number, bytes: Uint8Array): Written[] {
  const parts: Written[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(SECTOR - ((offset + at) % SECTOR), bytes.length - at);
    parts.push({ offset: offset + at, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return parts;
}

function apply(content: Uint8Array, written: readonly Written[]): Uint8Array {
  const end = written.reduce((most, { offset, bytes }) => Math.max(most, offset + bytes.length), content.length);
  const result = new Uint8Array(end);
  result.set(content);
  for (const { offset, bytes } of written) result.set(bytes, offset);
  return result;
}
