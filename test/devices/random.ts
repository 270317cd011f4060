/** Reproducible randomness for fuzz tests: mulberry32, seeded, the seed to be printed when a test fails. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** An integer in [0, limit). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
  /** Cuts bytes into random runs, empty ones left out. */
  cut(bytes: Uint8Array, most: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(1 + this.below(most), bytes.length - at);
      parts.push(bytes.subarray(at, at + length));
      at += length;
    }
    return parts;
  }
}
