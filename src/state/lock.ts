/**
 * A lock in one shared word, for the short moments in which registers change: 0 free, 1 held, 2 held with waiters. Not
 * re-entrant. Holders never await and never call the host for longer than one ioctl, so main may take it too.
 */
const FREE = 0;
const HELD = 1;
const CONTENDED = 2;

export class Lock {
  readonly #word: Int32Array;

  constructor(word: Int32Array) {
    this.#word = word;
  }

  acquire(): void {
    if (Atomics.compareExchange(this.#word, 0, FREE, HELD) === FREE) return;
    // Re-check through the exchange itself: whoever sees FREE owns the lock, marked contended so that release wakes the next.
    while (Atomics.exchange(this.#word, 0, CONTENDED) !== FREE) Atomics.wait(this.#word, 0, CONTENDED);
  }

  release(): void {
    if (Atomics.exchange(this.#word, 0, FREE) === CONTENDED) Atomics.notify(this.#word, 0, 1);
  }

  /** Runs `body` with the lock held and releases it however `body` ends. */
  with<T>(body: () => T): T {
    this.acquire();
    try {
      return body();
    } finally {
      this.release();
    }
  }
}
