/** Locks by number, for what must be done once and by one alone: allocating a cluster, making a table. Held for a moment each. */
export class Locks {
  readonly #held = new Map<number, Promise<void>>();

  /** Whether anybody has `first` or one of the `count` numbers from there on. */
  busy(first: number, count: number): boolean {
    if (this.#held.size === 0) return false;
    for (let key = first; key < first + count; key++) if (this.#held.has(key)) return true;
    return false;
  }

  /** Runs `action` with all of the numbers locked, once they are free. */
  async withLock<T>(first: number, count: number, action: () => Promise<T>): Promise<T> {
    while (this.#held.size > 0) {
      const holders = new Set<Promise<void>>();
      for (let key = first; key < first + count; key++) {
        const holder = this.#held.get(key);
        if (holder !== undefined) holders.add(holder);
      }
      if (holders.size === 0) break;
      await Promise.all(holders);
    }
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    for (let key = first; key < first + count; key++) this.#held.set(key, held);
    try {
      return await action();
    } finally {
      for (let key = first; key < first + count; key++) this.#held.delete(key);
      release();
    }
  }
}
