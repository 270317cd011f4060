/**
 * What a device's service loop sees of a virtqueue (virtio 1.2, 2.6 and 2.7).
 *
 * A pause takes effect when all chains have been completed. So a loop that waits for the world (a tap, the keyboard) holds no
 * chain meanwhile: it waits first, or puts its chain back.
 */

/** One descriptor chain, checked: every byte in RAM, no loop, device-readable parts before device-writable ones (2.7.4.2). */
export interface Chain {
  /** Index of the head descriptor, echoed in the used ring. */
  readonly head: number;
  /** Device-readable guest memory, in order, zero copy. */
  readonly readable: readonly Uint8Array[];
  /** Device-writable guest memory, in order, zero copy. */
  readonly writable: readonly Uint8Array[];
  /** The same two as spans, for who hands them on without a look: no views are made then. */
  readonly readableSpans: readonly ArrayBufferView[];
  readonly writableSpans: readonly ArrayBufferView[];
  readonly readableLength: number;
  readonly writableLength: number;
}

export interface Completion {
  readonly chain: Chain;
  /** Bytes written of the chain's writable part. */
  readonly written: number;
}

export interface Virtqueue {
  readonly index: number;
  /** Entries, a power of two. */
  readonly size: number;
  /**
   * The next chain the driver made available, in order. While there is none it publishes what is complete, interrupts once for
   * the batch, re-enables notification, looks once more, and sleeps. Yields undefined once the queue must stop (reset, end).
   * Throws DriverError on a chain that breaks the rules. One call at a time.
   */
  next(): Promise<Chain | undefined>;
  /**
   * Waits like {@link next} until more than `count` chains can be taken, and takes none; resolves to false when that takes longer
   * than `ms`, or once the queue must stop. For a device that needs several chains at a time.
   */
  more(count: number, ms: number): Promise<boolean>;
  /** Like {@link next}, but yields undefined at once when nothing is available, or while the machine is paused. */
  tryNext(): Chain | undefined;
  /** Puts the last `count` chains taken (default 1) back, none of them completed: they will be the next again, in order. */
  unget(count?: number): void;
  /**
   * Returns a chain to the driver, in any order; `written` is how many bytes of its writable part the device wrote (2.7.8.2).
   * The driver can see it at once; the interrupt, where the driver wants one, comes at the latest at the end of the current turn
   * of the event loop, one for all completions of the turn. Throws RangeError for a chain that is not in flight and for more
   * bytes than are writable. Does nothing once the queue is stopping.
   */
  complete(chain: Chain, written: number): void;
  /** Several chains like {@link complete}, in this order, that the driver sees all at once or not yet (5.1.6.4.1). */
  completeTogether(parts: readonly Completion[]): void;
  /** Interrupts now for all completions so far, if the driver wants it: it can work on them while the device goes on. */
  signal(): void;
  /** True once the queue must stop; work in flight is then finished or dropped, its completion ignored. */
  readonly stopping: boolean;
  /** Resolves when the queue must stop: lets a loop that waits for something else (a tap, the keyboard) return. */
  readonly stopped: Promise<void>;
}
