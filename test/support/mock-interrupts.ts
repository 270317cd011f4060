/**
 * The interrupt controller in a test: counts what the function sends and runs the driver's handlers a moment later, as a CPU
 * would, never inside the call (the device may hold its lock).
 */
import type { PciInterrupts } from '../../src/bus/triggers.ts';
import type { MockQueue } from './mock-queue.ts';
import type { MockRegisters } from './mock-registers.ts';

interface Handlers {
  readonly queues: readonly (MockQueue | undefined)[];
  readonly registers: MockRegisters;
  configChanged(): void;
}

export class MockInterrupts implements PciInterrupts {
  /** Configuration change interrupts handled. */
  config = 0;
  /** Messages sent, by vector. */
  readonly vectors: number[] = [];
  /** The INTx pin's level, and how often it rose. */
  intx = false;
  rises = 0;
  readonly #driver: Handlers;

  constructor(driver: Handlers) {
    this.#driver = driver;
  }

  /** Queue interrupts of either kind for queue `index` (INTx does not tell which). */
  ofQueue(index: number): number {
    return this.vectors[index + 1] ?? 0;
  }

  setIntx(asserted: boolean): void {
    if (asserted && !this.intx) {
      this.rises++;
      queueMicrotask(() => this.#handleIntx());
    }
    this.intx = asserted;
  }

  signalMsix(vector: number): void {
    this.vectors[vector] = (this.vectors[vector] ?? 0) + 1;
    queueMicrotask(() => {
      if (vector === 0) this.#configChanged();
      else this.#driver.queues[vector - 1]?.collect();
    });
  }

  msixChanged(): void {}

  #configChanged(): void {
    this.config++;
    this.#driver.configChanged();
  }

  #handleIntx(): void {
    while (this.intx) {
      const isr = this.#driver.registers.isr();
      if (isr === 0) return;
      if (isr & 2) this.#configChanged();
      if (isr & 1) for (const queue of this.#driver.queues) queue?.collect();
    }
  }
}
