/** How much a queue may have going at once: requests in flight, and work done before the event loop gets its turn. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { MiB } from '../../base/bits.ts';

/** Work done without leaving the event loop's turn before others get theirs. */
const TURN_BYTES = 2 * MiB;
const TURN_REQUESTS = 64;

/** Requests between two looks at how busy the event loop is. */
const LOOK_EVERY = 64;
/** Of the event loop's time: with less than this taken, it has turns to give away. */
const BUSY = 0.75;

/** Requests that are under way; the virtqueue sees to it that they are no more than it has entries. */
export class InFlight {
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  #noneLeft = (): void => {};

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

/**
 * Whether the event loop gets a turn after each request that was begun. What is done is told to the driver then while others of its batch are only begun, and
 * both sides work at the same time; without, they take turns, batch by batch, and each waits for the other: measured with 8 writes of 4 KiB at a time, that is a
 * third less of them. A turn costs as much as half a request, though. So turns are taken from the time that the event loop has nothing to do, since
 * the guest or the disk is the slower side; where the event loop is, there are none.
 */
export class Eager {
  #since: EventLoopUtilization;
  #requests = 0;
  /** A turn is worth its time. */
  #worthwhile = false;
  readonly #load: (since?: EventLoopUtilization) => EventLoopUtilization;

  constructor(load: typeof performance.eventLoopUtilization = performance.eventLoopUtilization.bind(performance)) {
    this.#load = load;
    this.#since = load();
  }

  /** Counts a request that was begun; true if the event loop should get a turn. */
  begun(): boolean {
    if (++this.#requests === LOOK_EVERY) {
      this.#requests = 0;
      const { utilization } = this.#load(this.#since);
      this.#since = this.#load();
      this.#worthwhile = utilization < BUSY;
    }
    return this.#worthwhile;
  }
}
