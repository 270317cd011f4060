/**
 * The service loops of a device between its start and its end, one a virtqueue. A loop is stopped by telling its queue, and has
 * parked when the service has returned and so has let go of every chain.
 */
import { within } from './deadline.ts';
import type { SplitQueue } from './split-queue.ts';

export interface Loop {
  readonly queue: SplitQueue;
  /** Resolves, never rejects, when the service has returned. */
  readonly done: Promise<void>;
}

export class Loops {
  readonly #loops = new Map<number, Loop>();

  has(index: number): boolean {
    return this.#loops.has(index);
  }

  add(index: number, loop: Loop): void {
    this.#loops.set(index, loop);
  }

  /** Tells all queues to stop, and waits for nothing. */
  stop(): void {
    for (const { queue } of this.#loops.values()) queue.stop();
  }

  /** Stops all loops and waits until they have parked. */
  async park(): Promise<void> {
    this.stop();
    for (const index of [...this.#loops.keys()]) await this.parkOne(index);
  }

  async parkOne(index: number): Promise<void> {
    const loop = this.#loops.get(index);
    if (loop === undefined) return;
    loop.queue.stop();
    await loop.done;
    if (this.#loops.get(index) === loop) this.#loops.delete(index);
  }

  /** Hands out no more chains; resolves when none is in flight. Throws when one still is after `ms`. */
  async pause(ms: number): Promise<void> {
    const loops = [...this.#loops.values()];
    const quiet = loops.map(loop => untouched(loop));
    if (await within(ms, Promise.all(quiet))) return;
    const stuck = loops.find(({ queue }) => queue.held > 0);
    throw new Error(`queue ${stuck?.queue.index} has ${stuck?.queue.held} requests that do not end`);
  }

  resume(): void {
    for (const { queue } of this.#loops.values()) queue.resume();
  }
}

/** Resolves when a loop touches guest memory no more: it holds nothing, or, if it was stopped meanwhile, has returned. */
async function untouched({ queue, done }: Loop): Promise<void> {
  await queue.pause();
  if (queue.stopping) await done;
}
