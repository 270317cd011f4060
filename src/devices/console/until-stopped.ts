/**
 * Waiting for the host, but no longer than the queue runs. Promise.race with `queue.stopped` would leave a reaction behind at every
 * wait, for as long as the guest runs; this leaves one.
 */
import type { Virtqueue } from '../../virtio/virtqueue.ts';

export class UntilStopped {
  #wake: (() => void) | undefined;
  #stopped = false;

  constructor(queue: Pick<Virtqueue, 'stopped'>) {
    void queue.stopped.then(() => {
      this.#stopped = true;
      this.#wake?.();
    });
  }

  /** Resolves when `event` does, or when the queue must stop. One wait at a time. */
  wait(event: Promise<unknown>): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise(resolve => {
      this.#wake = resolve;
      void event.then(() => resolve());
    });
  }
}
