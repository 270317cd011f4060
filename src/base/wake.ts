/** Lets a loop sleep until one of several things has happened; what happened before it slept counts. */

export class Wake {
  #woken = false;
  #resolve: (() => void) | undefined;

  /** One sleeper at a time. */
  wait(): Promise<void> {
    if (this.#woken) {
      this.#woken = false;
      return Promise.resolve();
    }
    return new Promise(resolve => {
      this.#resolve = resolve;
    });
  }

  wake(): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    if (resolve) resolve();
    else this.#woken = true;
  }
}
