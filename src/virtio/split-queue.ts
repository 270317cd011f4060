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
import { CURSOR, CURSOR_FIELDS, type QueueCursor, UsedRing } from './used-ring.ts';
import type { Chain, Completion, Virtqueue } from './virtqueue.ts';

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
  readonly #used: UsedRing;
  readonly #chains: ChainReader;
  readonly #suppression: Suppression;
  readonly #doorbell: BellWaiter;
  readonly #cursor: QueueCursor;
  /** 1 for each head that the service holds. Bounds work in flight by the queue size, whatever the driver does. */
  readonly #held: Uint8Array;
  #heldCount = 0;
  /** The head that was taken from each entry of the available ring, for putting it back. */
  readonly #taken: Uint16Array;
  /** The driver's index as it was last looked at: until all up to it is taken, nobody needs to look again. */
  #seen: number;
  #streak = 0;
  #stopping = false;
  #paused: boolean;
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
    this.#cursor = options.cursor ?? new Uint16Array(CURSOR_FIELDS);
    this.#used = new UsedRing({
      rings: this.#rings,
      size: layout.size,
      cursor: this.#cursor,
      suppression: this.#suppression,
      interrupt: options.interrupt,
    });
    this.#seen = this.#cursor[CURSOR.nextAvail]!;
    this.#paused = options.paused ?? false;
    this.#held = new Uint8Array(layout.size);
    this.#taken = new Uint16Array(layout.size);
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
      this.#used.signal();
      await new Promise<void>(resolve => setImmediate(resolve));
      this.#streak = 0;
    }
    while (!this.#stopping) {
      const chain = this.tryNext();
      if (chain !== undefined) {
        this.#streak++;
        return chain;
      }
      await this.#untilMore(0);
      this.#streak = 0;
    }
    return undefined;
  }

  async more(count: number, ms: number): Promise<boolean> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#doorbell.cancel();
    }, ms);
    const enough = () => !this.#paused && this.#available() > count;
    while (!late && !this.#stopping && !enough()) await this.#untilMore(count);
    clearTimeout(timer);
    return !this.#stopping && enough();
  }

  tryNext(): Chain | undefined {
    if (this.#stopping || this.#paused) return undefined;
    const next = this.#cursor[CURSOR.nextAvail]!;
    if (next === this.#seen && this.#available() === 0) return undefined;
    const { avail } = this.#rings;
    const head = avail[AVAIL_RING + (next & (this.size - 1))]!;
    if (head >= this.size) throw new DriverError(`available descriptor ${head} is outside the table of ${this.size}`);
    if (this.#held[head]) throw new DriverError(`descriptor ${head} was made available again before it was used`);
    const chain = this.#chains.read(head);
    this.#cursor[CURSOR.nextAvail] = next + 1;
    this.#held[head] = 1;
    this.#taken[next & (this.size - 1)] = head;
    this.#heldCount++;
    return chain;
  }

  unget(count = 1): void {
    if (this.#stopping) return;
    for (let n = 0; n < count; n++) {
      const previous = (this.#cursor[CURSOR.nextAvail]! - 1) & 0xffff;
      const head = this.#taken[previous & (this.size - 1)]!;
      if (!this.#held[head]) throw new RangeError('no chain to put back');
      this.#cursor[CURSOR.nextAvail] = previous;
      this.#release(head);
    }
  }

  complete(chain: Chain, written: number): void {
    if (this.#stopping) return;
    this.#check(chain, written);
    this.#used.write({ chain, written }, 0);
    this.#used.publish(1);
    this.#release(chain.head);
  }

  completeTogether(parts: readonly Completion[]): void {
    if (this.#stopping) return;
    for (const { chain, written } of parts) this.#check(chain, written);
    for (let i = 0; i < parts.length; i++) this.#used.write(parts[i]!, i);
    this.#used.publish(parts.length);
    for (const { chain } of parts) this.#release(chain.head);
  }

  signal(): void {
    this.#used.signal();
  }

  /** Ends the queue: `next` yields undefined from now on, completions are ignored. */
  stop(): void {
    this.#stopping = true;
    this.#used.stop();
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

  /** Sleeps until the driver kicks for a chain behind the next `count`, unless it is there already; may wake for less. */
  async #untilMore(count: number): Promise<void> {
    this.#used.signal();
    // Lost wake-up: a driver that added a chain before it saw the wish for kicks does not kick, so look once more after
    // stating it. A kick after that look rings the bell, which remembers.
    this.#suppression.inviteKicks(this.#cursor[CURSOR.nextAvail]! + count);
    if (this.#paused || this.#available() <= count) await this.#doorbell.wait();
    if (!this.#stopping) this.#suppression.declineKicks();
  }

  /** How many chains the driver has made available and nobody has taken. */
  #available(): number {
    const seen = Atomics.load(this.#rings.avail, RING_IDX);
    const count = (seen - this.#cursor[CURSOR.nextAvail]!) & 0xffff;
    if (count > this.size) {
      throw new DriverError(`available index is ${count} ahead in a queue of ${this.size}`);
    }
    this.#seen = seen;
    return count;
  }

  #check({ head, writableLength }: Chain, written: number): void {
    if (!this.#held[head]) throw new RangeError(`chain ${head} is not in flight`);
    if (!(written >= 0 && written <= writableLength)) {
      throw new RangeError(`${written} bytes written into ${writableLength} writable ones`);
    }
  }

  #release(head: number): void {
    this.#held[head] = 0;
    this.#heldCount--;
    if (this.#heldCount === 0) this.#idle();
  }

  #idle(): void {
    if (this.#onIdle.length === 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
