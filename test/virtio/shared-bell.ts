/** A bell between threads: what an eventfd is to the machine, over a word of shared memory. */
import type { Bell, BellWaiter } from '../../src/base/bell.ts';

interface AsyncAtomics {
  waitAsync(
    array: Int32Array,
    index: number,
    value: number,
  ): { readonly async: false } | { readonly async: true; readonly value: Promise<unknown> };
}

export class SharedBell implements Bell, BellWaiter {
  readonly #words: Int32Array;
  readonly #index: number;
  #seen: number;

  constructor(words: Int32Array, index: number) {
    this.#words = words;
    this.#index = index;
    this.#seen = Atomics.load(words, index);
  }

  ring(): void {
    Atomics.add(this.#words, this.#index, 1);
    Atomics.notify(this.#words, this.#index);
  }

  cancel(): void {
    this.ring();
  }

  async wait(): Promise<void> {
    for (;;) {
      const now = Atomics.load(this.#words, this.#index);
      if (now !== this.#seen) {
        this.#seen = now;
        return;
      }
      const waiting = (Atomics as unknown as AsyncAtomics).waitAsync(this.#words, this.#index, now);
      if (waiting.async) await waiting.value;
    }
  }

  /** Blocks the thread. False when `ms` have passed without a ring. */
  sleep(ms: number): boolean {
    if (Atomics.wait(this.#words, this.#index, this.#seen, ms) === 'timed-out') return false;
    this.#seen = Atomics.load(this.#words, this.#index);
    return true;
  }
}
