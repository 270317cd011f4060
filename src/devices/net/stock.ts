/**
 * Buffers of the guest at hand for the next frames. Whether a frame is long or short is known only after it was read, so the stock
 * holds enough for a long one where the driver lets frames span buffers; what a frame does not need serves the next.
 */
import { DriverError } from '../../base/errors.ts';
import type { Chain, Virtqueue } from '../../virtio/virtqueue.ts';
import { finishHeader, HEADER } from './header.ts';

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
      if (chain.readablePlaces.length > 0) throw new DriverError('a receive buffer has a device-readable part');
      if (chain.writableLength < HEADER)
        throw new DriverError('a receive buffer has no room for the header of a frame');
    }
    return this.#chains.length > 0;
  }

  get count(): number {
    return this.#chains.length;
  }

  /** All guest memory of the stock, in order, appended to `list`. */
  appendTo(list: ArrayBufferView[]): void {
    for (const { writablePlaces } of this.#chains) for (const place of writablePlaces) list.push(place);
  }

  /** A frame with header, `length` bytes, lies in the first buffers, which go to the guest. The header is finished here. */
  use(length: number): void {
    const { queue, flagsAllowed } = this.#o;
    const first = this.#chains[0]!;
    if (length <= first.writableLength) {
      finishHeader(first.writablePlaces, 1, flagsAllowed);
      this.#chains.shift();
      this.room -= first.writableLength;
      queue.complete(first, length);
      return;
    }
    let rest = length;
    let count = 0;
    for (; rest > 0; count++) rest -= this.#chains[count]!.writableLength;
    const used = this.#chains.splice(0, count);
    finishHeader(used[0]!.writablePlaces, count, flagsAllowed);
    rest = length;
    const parts = used.map(chain => {
      const written = Math.min(rest, chain.writableLength);
      rest -= written;
      this.room -= chain.writableLength;
      return { chain, written };
    });
    queue.completeTogether(parts);
  }

  /** Gives back what was not used: a loop that waits holds nothing. */
  putBack(): void {
    if (this.#chains.length > 0) this.#o.queue.unget(this.#chains.length);
    this.#chains.length = 0;
    this.room = 0;
  }
}
