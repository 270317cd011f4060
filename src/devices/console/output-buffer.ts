/**
 * Output between the guest and the host: one half fills while the other is written, so a slow terminal makes batches instead of
 * waits, and a stuck one holds the guest back after 64 KiB. No byte is lost.
 */
import { KiB } from '../../base/bits.ts';

/** Bytes accepted before the writer must have caught up. */
export const BATCH = 64 * KiB;

export interface Output {
  /** Copies what fits of `bytes` and returns the rest. */
  add(bytes: Uint8Array): Uint8Array;
  /** Resolves when there may be room again. */
  room(): Promise<void>;
  /** Resolves when all that was added has been written. */
  flushed(): Promise<void>;
}

/** Resolves when all of `bytes` have been added. */
export async function append(output: Output, bytes: Uint8Array): Promise<void> {
  for (let rest = output.add(bytes); rest.length > 0; rest = output.add(rest)) await output.room();
}

export class OutputBuffer implements Output {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  #filling = new Uint8Array(BATCH);
  #spare = new Uint8Array(BATCH);
  #length = 0;
  #pump: Promise<void> | undefined;
  #roomMade: Promise<void> = Promise.resolve();

  /** `write` is never called again before its promise has resolved. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** How many bytes fit now. */
  get space(): number {
    return BATCH - this.#length;
  }

  add(bytes: Uint8Array): Uint8Array {
    const part = bytes.subarray(0, this.space);
    this.#filling.set(part, this.#length);
    this.#length += part.length;
    if (this.#length > 0) this.#pump ??= this.#run();
    return bytes.subarray(part.length);
  }

  room(): Promise<void> {
    return this.#roomMade;
  }

  async flushed(): Promise<void> {
    while (this.#pump !== undefined) await this.#pump;
  }

  async #run(): Promise<void> {
    while (this.#length > 0) {
      const bytes = this.#filling.subarray(0, this.#length);
      [this.#filling, this.#spare] = [this.#spare, this.#filling];
      this.#length = 0;
      this.#roomMade = this.#write(bytes);
      await this.#roomMade;
    }
    this.#pump = undefined;
  }
}
