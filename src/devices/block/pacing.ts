/** How much a queue may have going at once: requests in flight, and work done before the event loop gets its turn. */
import { MiB } from '../../base/bits.ts';

/** Work done without leaving the event loop's turn before others get theirs. */
const TURN_BYTES = 2 * MiB;
const TURN_REQUESTS = 64;

/**
 * While no more than these are under way, the event loop gets a turn after each. What is done is then told to the driver while others of its batch are only
 * begun, and both sides work at the same time; else they take turns, batch by batch, and each waits for the other. Measured with 8 writes of 4 KiB
 * at a time: a third more of them. With more under way it happens by itself, and turns only cost.
 */
const FEW = 4;

/** Requests that are under way; the virtqueue sees to it that they are no more than it has entries. */
export class InFlight {
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  #noneLeft = (): void => {};

  /** So few that it is worth looking whether one is done before the next begins. */
  get few(): boolean {
    return this.#running <= FEW;
  }

  add(request: Promise<void>): void {
    this.#running++;
    request.then(this.#endOne, error => {
      this.#failure ??= { error };
      this.#endOne();
    });
  }

  /** Resolves once none is under way; rejects if one threw, which none should. No more are added meanwhile. */
  async ended(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>(resolve => {
        this.#noneLeft = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  readonly #endOne = (): void => {
    this.#running--;
    if (this.#running === 0) this.#noneLeft();
  };
}

/** Requests that hit the page cache complete at once; this keeps a busy queue from keeping the event loop to itself. */
export class Turn {
  #bytes = 0;
  #requests = 0;

  /** Counts a request that was completed on the spot; true when the turn is used up. */
  spend(bytes: number): boolean {
    this.#bytes += bytes;
    this.#requests++;
    return this.#bytes >= TURN_BYTES || this.#requests >= TURN_REQUESTS;
  }

  /** Lets everybody else run. */
  end(): Promise<void> {
    this.#bytes = 0;
    this.#requests = 0;
    return new Promise(resolve => setImmediate(resolve));
  }
}
