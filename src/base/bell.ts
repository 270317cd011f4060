/**
 * How one side of a device wakes the other: a bell that any thread rings and one side waits for. Backed by an eventfd in the
 * machine and by plain memory in tests.
 */

/** Wakes the service side of a device. Never blocks; several rings may count as one. */
export interface Bell {
  ring(): void;
}

/** The service side's end of a bell. */
export interface BellWaiter {
  /**
   * Resolves after the next ring, or at once if the bell has been rung since the last time this resolved; also resolves when
   * `cancel` is called. One waiter at a time.
   */
  wait(): Promise<void>;
  /** Lets a pending or the next `wait` return at once. */
  cancel(): void;
}
