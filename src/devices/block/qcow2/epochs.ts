/**
 * When a cluster is given up, a request that began earlier may still be reading or writing it. It can have a new use only once all
 * requests that were under way have ended; this counts them by the time at which they began.
 */
export interface Epoch {
  running: number;
  /** Resolves the wait for this and all earlier epochs; set once somebody waits. */
  ended?: () => void;
}

export class Epochs {
  #current: Epoch = { running: 0 };
  #before: Promise<void> = Promise.resolve();

  /** A request begins; hand what this returns to `leave` when it ends. */
  enter(): Epoch {
    this.#current.running++;
    return this.#current;
  }

  leave(epoch: Epoch): void {
    epoch.running--;
    if (epoch.running === 0) epoch.ended?.();
  }

  /** Resolves once every request that runs now has ended. */
  passed(): Promise<void> {
    const epoch = this.#current;
    if (epoch.running > 0) {
      const ended = new Promise<void>(resolve => {
        epoch.ended = resolve;
      });
      const before = this.#before;
      this.#before = before.then(() => ended);
      this.#current = { running: 0 };
    }
    return this.#before;
  }
}
