/** What each sector of a disk may hold after a crash: what was there at the last flush, or anything that was written since. */
const SECTOR = 512;

/** Changes of one sector do not overlap in time. */
export class History {
  /** By sector: all values that it was given, in order. */
  readonly #values: number[][];
  /** By sector: which of them was the last that is complete, and the last that is durable. */
  readonly #complete: Uint32Array;
  #durable: Uint32Array;

  /** `content` is the disk before the first write, in whole sectors of one repeated 32-bit value. */
  constructor(content: Uint8Array) {
    this.#values = Array.from({ length: content.length / SECTOR }, (_, i) => [wordOf(content, i * SECTOR)]);
    this.#complete = new Uint32Array(this.#values.length);
    this.#durable = new Uint32Array(this.#values.length);
  }

  /** A change of bytes [from, to) to `value` begins. Call what this returns when it is complete. */
  begin(from: number, to: number, value: number): (durable: boolean) => void {
    for (let sector = from / SECTOR; sector < to / SECTOR; sector++) this.#values[sector]!.push(value);
    return durable => {
      for (let sector = from / SECTOR; sector < to / SECTOR; sector++) {
        this.#complete[sector] = this.#values[sector]!.length - 1;
        if (durable) this.#durable[sector] = this.#complete[sector]!;
      }
    };
  }

  /** A flush begins. Call what this returns when it is complete. */
  flush(): () => void {
    const promised = this.#complete.slice();
    return () => {
      this.#durable = this.#durable.map((last, sector) => Math.max(last, promised[sector]!));
    };
  }

  /** The first sector that holds what it may not, as words; undefined if there is none. */
  violation(content: Uint8Array): string | undefined {
    for (const [sector, values] of this.#values.entries()) {
      const value = wordOf(content, sector * SECTOR);
      const allowed = values.slice(this.#durable[sector]);
      if (!allowed.includes(value)) return `sector ${sector} holds ${value}, may hold ${allowed.join(', ')}`;
    }
    return undefined;
  }
}

/** A sector's worth of `value`. */
export function stamp(length: number, value: number): Uint8Array {
  return new Uint8Array(new Uint32Array(length / 4).fill(value).buffer);
}

function wordOf(content: Uint8Array, at: number): number {
  const words = new Uint32Array(content.slice(at, at + SECTOR).buffer);
  return words.every(word => word === words[0]) ? words[0]! : Number.NaN;
}
