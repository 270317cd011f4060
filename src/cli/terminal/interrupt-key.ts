/** In raw mode ^C belongs to the guest. Three of them within a second, nothing typed between, are for the launcher, as in lguest. */
const CONTROL_C = 3;
const PRESSES = 3;
const WITHIN_MS = 1000;

export class InterruptKey {
  readonly #now: () => number;
  #times: number[] = [];

  /** `now` is a clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Looks at what was typed; true when it completes the gesture. */
  typed(bytes: Uint8Array): boolean {
    let completed = false;
    for (const byte of bytes) {
      if (byte !== CONTROL_C) this.#times = [];
      else if (this.#press()) completed = true;
    }
    return completed;
  }

  #press(): boolean {
    const now = this.#now();
    this.#times = [...this.#times, now].slice(-PRESSES);
    const completed = this.#times.length === PRESSES && now - this.#times[0]! <= WITHIN_MS;
    if (completed) this.#times = [];
    return completed;
  }
}
