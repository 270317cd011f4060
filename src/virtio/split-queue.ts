/**
 * The device's side of a split virtqueue (virtio 1.2, 2.7): takes chains from the available ring, returns them in the used ring,
 * and keeps both sides from notifying each other more than they need to, with EVENT_IDX or with the two flags.
 *
 * Order of accesses. Driver and device run on different CPUs. Plain JavaScript accesses give no order, so the fields that
 * publish something go through Atomics, which are sequentially consistent (on x86 an atomic store is a full barrier):
 * - `avail.idx` is loaded before the entries and descriptors it announces are read;
 * - a used element is written before `used.idx` is stored (2.7.8.2), and `used.idx` is stored before the driver's wish for an
 *   interrupt (`used_event`, `avail.flags`) is loaded;
 * - the wish for a kick (`avail_event`, `used.flags`) is stored before `avail.idx` is looked at for the last time.
 *
 * All indices run freely modulo 2^16.
 */
import { DriverError } from '../base/errors.ts';
import type { BellWaiter } from '../bus/triggers.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { ChainReader } from './chain.ts';
import { AVAIL_RING, openRings, RING_FLAGS, RING_IDX, type RingLayout, type Rings } from './ring.ts';
import { type Suppression, suppression } from './suppression.ts';
import type { Chain, Virtqueue } from './virtqueue.ts';

/** Fields of a {@link QueueCursor}: the next available entry to take, `used.idx` as published, and as last interrupted for. */
export const CURSOR = { nextAvail: 0, used: 1, signalled: 2 } as const;
export const CURSOR_FIELDS = 3;
/** All that a queue remembers beyond guest memory, three 16-bit indices in plain memory: a snapshot copies them. */
export type QueueCursor = Uint16Array;

/** Chains taken in a row before other work on the event loop gets a turn, so that one busy queue cannot starve main. */
const TURN = 256;

export interface SplitQueueOptions {
  readonly index: number;
  readonly memory: GuestMemory;
  readonly layout: RingLayout;
  /** RING_EVENT_IDX was negotiated. */
  readonly eventIdx: boolean;
  /** RING_INDIRECT_DESC was negotiated. */
  readonly indirect: boolean;
  /** The driver's kicks. */
  readonly doorbell: BellWaiter;
  /** Interrupts the driver; called only where it wants that. */
  readonly interrupt: () => void;
  /** Where to go on; a fresh queue starts at 0. */
  readonly cursor?: QueueCursor;
  /** Starts as if {@link SplitQueue.pause} had been called. */
  readonly paused?: boolean;
}

export class SplitQueue implements Virtqueue {
  readonly index: number;
  readonly size: number;
  readonly stopped: Promise<void>;
  readonly #rings: Rings;
  readonly #chains: ChainReader;
  readonly #suppression: Suppression;
  readonly #doorbell: BellWaiter;
  readonly #interrupt: () => void;
  readonly #cursor: QueueCursor;
  /** 1 for each head that the service holds. Bounds work in flight by the queue size, whatever the driver does. */
  readonly #held: Uint8Array;
  #heldCount = 0;
  #last: Chain | undefined;
  #streak = 0;
  #stopping = false;
  #paused: boolean;
  #signalPlanned = false;
  #resolveStopped!: () => void;
  #onIdle: (() => void)[] = [];

  /** Throws DriverError unless the rings are aligned and in RAM. */
  constructor(options: SplitQueueOptions) {
    const { memory, layout } = options;
    this.index = options.index;
    this.size = layout.size;
    this.#rings = openRings(memory, layout);
    this.#chains = new ChainReader(memory, layout.desc, layout.size, options.indirect);
    this.#suppression = suppression(this.#rings, layout.size, options.eventIdx);
    this.#doorbell = options.doorbell;
    this.#interrupt = options.interrupt;
    this.#cursor = options.cursor ?? new Uint16Array(CURSOR_FIELDS);
    this.#paused = options.paused ?? false;
    this.#held = new Uint8Array(layout.size);
    this.stopped = new Promise(resolve => {
      this.#resolveStopped = resolve;
    });
    // Stays 0 with EVENT_IDX (2.7.10.1); without, kicks are welcome until the loop has looked.
    Atomics.store(this.#rings.used, RING_FLAGS, 0);
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Chains that the service has taken and not completed. */
  get held(): number {
    return this.#heldCount;
  }

  async next(): Promise<Chain | undefined> {
    if (this.#streak >= TURN) {
      this.#signal();
      await new Promise<void>(resolve => setImmediate(resolve));
      this.#streak = 0;
    }
    for (;;) {
      if (this.#stopping) return undefined;
      const chain = this.tryNext();
      if (chain !== undefined) {
        this.#streak++;
        return chain;
      }
      this.#signal();
      // Lost wake-up: a driver that added a chain before it saw the wish for kicks does not kick, so look once more after
      // stating it. A kick after that look rings the bell, which remembers.
      this.#suppression.inviteKicks(this.#cursor[CURSOR.nextAvail]!);
      if (!this.#paused && this.#available() > 0) continue;
      await this.#doorbell.wait();
      this.#streak = 0;
      if (!this.#stopping) this.#suppression.declineKicks();
    }
  }

  tryNext(): Chain | undefined {
    if (this.#stopping || this.#paused || this.#available() === 0) return undefined;
    const { avail } = this.#rings;
    const next = this.#cursor[CURSOR.nextAvail]!;
    const head = avail[AVAIL_RING + (next & (this.size - 1))]!;
    if (head >= this.size) throw new DriverError(`available descriptor ${head} is outside the table of ${this.size}`);
    if (this.#held[head]) throw new DriverError(`descriptor ${head} was made available again before it was used`);
    const chain = this.#chains.read(head);
    this.#cursor[CURSOR.nextAvail] = next + 1;
    this.#held[head] = 1;
    this.#heldCount++;
    this.#last = chain;
    return chain;
  }

  unget(): void {
    if (this.#stopping) return;
    if (this.#last === undefined || !this.#held[this.#last.head]) throw new RangeError('no chain to put back');
    this.#cursor[CURSOR.nextAvail] = this.#cursor[CURSOR.nextAvail]! - 1;
    this.#release(this.#last);
  }

  complete(chain: Chain, written: number): void {
    if (this.#stopping) return;
    if (!this.#held[chain.head]) throw new RangeError(`chain ${chain.head} is not in flight`);
    if (!(written >= 0 && written <= chain.writableLength)) {
      throw new RangeError(`${written} bytes written into ${chain.writableLength} writable ones`);
    }
    const { used, usedElements } = this.#rings;
    const index = this.#cursor[CURSOR.used]!;
    const slot = 2 * (index & (this.size - 1));
    usedElements[slot] = chain.head;
    usedElements[slot + 1] = written;
    this.#cursor[CURSOR.used] = index + 1;
    Atomics.store(used, RING_IDX, this.#cursor[CURSOR.used]!);
    this.#release(chain);
    if (((index + 1 - this.#cursor[CURSOR.signalled]!) & 0xffff) >= this.size) this.#signal();
    else this.#planSignal();
  }

  /** Ends the queue: `next` yields undefined from now on, completions are ignored. */
  stop(): void {
    this.#stopping = true;
    this.#resolveStopped();
    this.#idle();
    this.#doorbell.cancel();
  }

  /** No chain is handed out until {@link resume}; resolves when the service holds none. */
  pause(): Promise<void> {
    this.#paused = true;
    if (this.#heldCount === 0 || this.#stopping) return Promise.resolve();
    return new Promise(resolve => this.#onIdle.push(resolve));
  }

  resume(): void {
    this.#paused = false;
    // Kicks that came meanwhile have woken the loop in vain: let it look again.
    this.#doorbell.cancel();
  }

  /** How many chains the driver has made available and nobody has taken. */
  #available(): number {
    const count = (Atomics.load(this.#rings.avail, RING_IDX) - this.#cursor[CURSOR.nextAvail]!) & 0xffff;
    if (count > this.size) {
      throw new DriverError(`available index is ${count} ahead in a queue of ${this.size}`);
    }
    return count;
  }

  #release(chain: Chain): void {
    this.#held[chain.head] = 0;
    this.#heldCount--;
    if (chain === this.#last) this.#last = undefined;
    if (this.#heldCount === 0) this.#idle();
  }

  #idle(): void {
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Completions of one turn of the event loop share an interrupt. */
  #planSignal(): void {
    if (this.#signalPlanned) return;
    this.#signalPlanned = true;
    setImmediate(() => {
      this.#signalPlanned = false;
      this.#signal();
    });
  }

  /** Interrupts once for everything used since the last time, if the driver asked for it (2.7.7.2, 2.7.10). */
  #signal(): void {
    const used = this.#cursor[CURSOR.used]!;
    const since = (used - this.#cursor[CURSOR.signalled]!) & 0xffff;
    if (since === 0 || this.#stopping) return;
    this.#cursor[CURSOR.signalled] = used;
    if (this.#suppression.wantsInterrupt(used, since)) this.#interrupt();
  }
}
