/** A bell inside one thread: what an eventfd is to the machine, for tests. */
import type { Bell, BellWaiter } from '../../src/bus/triggers.ts';

export class MemoryBell implements Bell, BellWaiter {
  /** How often it was rung. */
  rings = 0;
  #pending = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.rings++;
    this.cancel();
  }

  cancel(): void {
    this.#pending = true;
    this.#wake?.();
  }

  async wait(): Promise<void> {
    if (this.#wake !== undefined) throw new Error('a bell has one waiter at a time');
    if (!this.#pending) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#pending = false;
  }
}
