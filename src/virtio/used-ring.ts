/**
 * The used ring from the device's side (virtio 1.2, 2.7.8): elements first, then the index that shows them, then an interrupt if
 * the driver wants one, one for all that was used in a turn of the event loop. Why the index goes through Atomics is told in
 * split-queue.ts.
 */
import { RING_IDX, type Rings } from './ring.ts';
import type { Suppression } from './suppression.ts';
import type { Completion } from './virtqueue.ts';

/** Fields of a {@link QueueCursor}: the next available entry to take, `used.idx` as published, and as last interrupted for. */
export const CURSOR = { nextAvail: 0, used: 1, signalled: 2 } as const;
export const CURSOR_FIELDS = 3;
/** All that a queue remembers beyond guest memory, three 16-bit indices in plain memory: a snapshot copies them. */
export type QueueCursor = Uint16Array;

export interface UsedRingOptions {
  readonly rings: Rings;
  /** Entries. */
  readonly size: number;
  readonly cursor: QueueCursor;
  readonly suppression: Suppression;
  readonly interrupt: () => void;
}

export class UsedRing {
  readonly #o: UsedRingOptions;
  #signalPlanned = false;
  #stopped = false;

  constructor(options: UsedRingOptions) {
    this.#o = options;
  }

  /** Writes an element `ahead` of the next to publish: the driver does not see it yet. */
  write({ chain, written }: Completion, ahead: number): void {
    const { rings, cursor, size } = this.#o;
    const slot = 2 * ((cursor[CURSOR.used]! + ahead) & (size - 1));
    rings.usedElements[slot] = chain.head;
    rings.usedElements[slot + 1] = written;
  }

  /** Lets the driver see the next `count` elements, and plans its interrupt. */
  publish(count: number): void {
    const { rings, cursor, size } = this.#o;
    cursor[CURSOR.used] = cursor[CURSOR.used]! + count;
    const used = cursor[CURSOR.used]!;
    Atomics.store(rings.used, RING_IDX, used);
    if (((used - cursor[CURSOR.signalled]!) & 0xffff) >= size) this.signal();
    else this.#planSignal();
  }

  /** Interrupts once for everything used since the last time, if the driver asked for it (2.7.7.2, 2.7.10). */
  signal(): void {
    const { cursor, suppression, interrupt } = this.#o;
    const used = cursor[CURSOR.used]!;
    const since = (used - cursor[CURSOR.signalled]!) & 0xffff;
    if (since === 0 || this.#stopped) return;
    cursor[CURSOR.signalled] = used;
    if (suppression.wantsInterrupt(used, since)) interrupt();
  }

  /** No interrupt comes any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Completions of one turn of the event loop share an interrupt. */
  #planSignal(): void {
    if (this.#signalPlanned) return;
    this.#signalPlanned = true;
    setImmediate(() => {
      this.#signalPlanned = false;
      this.signal();
    });
  }
}
