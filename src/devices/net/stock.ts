/**
 * Buffers of the guest at hand for the next frames. Whether a frame is long or short is known only after it was read, so the stock
 * holds enough for a long one where the driver lets frames span buffers; what a frame does not need serves the next.
 */
import { DriverError } from '../../base/errors.ts';
import type { Chain, Completion, Virtqueue } from '../../virtio/virtqueue.ts';
import { finishHeader, HEADER } from './header.ts';

/** Buffers that go to the driver in one step, give or take those of one frame: each look at the used ring costs it and us. */
const TOGETHER = 16;

export interface StockOptions {
  readonly queue: Virtqueue;
  /** MRG_RXBUF: frames may span buffers. */
  readonly mergeable: boolean;
  /** GUEST_CSUM: headers may have flags. */
  readonly flagsAllowed: boolean;
}

export class Stock {
  /** Bytes of all buffers, headers included. */
  room = 0;
  readonly #o: StockOptions;
  readonly #chains: Chain[] = [];
  /** Filled, and the driver has not heard of it. */
  readonly #filled: Completion[] = [];

  constructor(options: StockOptions) {
    this.#o = options;
  }

  /**
   * Takes buffers until there are `wanted` bytes of room or the driver has no more; true if there is any. Throws DriverError for a
   * buffer the device may not write, or one that has no room for a header (5.1.6.3.1).
   */
  fill(wanted: number): boolean {
    const { queue, mergeable } = this.#o;
    while (this.room < wanted && (mergeable || this.#chains.length === 0)) {
      const chain = queue.tryNext();
      if (chain === undefined) break;
      this.#chains.push(chain);
      this.room += chain.writableLength;
      if (chain.readableSpans.length > 0) throw new DriverError('a receive buffer has a device-readable part');
      if (chain.writableLength < HEADER)
        throw new DriverError('a receive buffer has no room for the header of a frame');
    }
    return this.#chains.length > 0;
  }

  get count(): number {
    return this.#chains.length;
  }

  /** Puts all guest memory of the stock, in order, in place of what is in `list` from the start on; returns how many spans there are. */
  spansInto(list: ArrayBufferView[]): number {
    let count = 0;
    for (const { writableSpans } of this.#chains) for (const span of writableSpans) list[count++] = span;
    return count;
  }

  /** A frame with header, `length` bytes, lies in the first buffers, which go to the guest soon. The header is finished here. */
  use(length: number): void {
    const { flagsAllowed } = this.#o;
    const first = this.#chains[0]!;
    let count = 0;
    for (let rest = length; rest > 0; count++) {
      const chain = this.#chains[count]!;
      const written = Math.min(rest, chain.writableLength);
      rest -= written;
      this.room -= chain.writableLength;
      this.#filled.push({ chain, written });
    }
    finishHeader(first.writableSpans, count, flagsAllowed);
    if (count === 1) this.#chains.shift();
    else this.#chains.splice(0, count);
    if (this.#filled.length >= TOGETHER) this.tell();
    // A few frames of many buffers empty the ring: the driver must begin before the device has to wait for it.
    if (count >= TOGETHER) this.#o.queue.signal();
  }

  /** Lets the driver see what was used; all buffers of a frame at once (5.1.6.4.1). */
  tell(): void {
    if (this.#filled.length === 0) return;
    this.#o.queue.completeTogether(this.#filled);
    this.#filled.length = 0;
  }

  /** Gives back what was not used, and shows what was: a loop that waits holds nothing. */
  putBack(): void {
    this.tell();
    if (this.#chains.length > 0) this.#o.queue.unget(this.#chains.length);
    this.#chains.length = 0;
    this.room = 0;
  }
}
