/**
 * Frames from the wire to the guest. A frame is read straight into the guest's buffers; a host buffer behind them takes what does
 * not fit, and the next reads have more of the guest's. Where frames have to be looked at before the guest may see them they are
 * copied. The wire is not asked while the guest has no buffers: the kernel keeps the frames, and drops what is too much.
 */
import { bytesAround, bytesOf } from '../../base/views.ts';
import { Wake } from '../../base/wake.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { fillScattered, gatherScattered } from '../scatter.ts';
import type { NetPort } from './backend.ts';
import type { FrameFilter } from './config.ts';
import { HEADER, MAX_FRAME } from './header.ts';
import { FILTER_BYTES, type ReceiveFilter } from './receive-filter.ts';
import { copy, SCRATCH_BYTES, spill } from './scratch.ts';
import type { NetStatistics } from './statistics.ts';
import { Stock } from './stock.ts';

/** Room for the longest frame, and for one of an ordinary network. */
const LONGEST = HEADER + MAX_FRAME;
const USUAL = HEADER + 1518;
/** Frames and bytes in a row before other work on the event loop gets a turn. */
const TURN_FRAMES = 256;
const TURN_BYTES = 4 * 1024 * 1024;
/** How long a frame that is too long for the buffers at hand waits for more of them, in ms. */
const PATIENCE_MS = 100;
/** What a frame that is looked at first is read into. */
const LOOK: readonly ArrayBufferView[] = [copy];
/** Frames of the launcher's own that wait for the guest. */
const MAX_INJECTED = 32;

export interface ReceiverOptions {
  readonly queue: Virtqueue;
  readonly port: NetPort;
  readonly mergeable: boolean;
  readonly flagsAllowed: boolean;
  readonly filter: ReceiveFilter;
  /** Decides about frames before the guest sees a byte of them. */
  readonly lock: FrameFilter | undefined;
  readonly statistics: NetStatistics;
}

/** Why a turn ended: nothing to read, no buffers, a frame that needs more buffers, or it has gone on for long enough. */
type End = 'idle' | 'dry' | 'short' | 'turn';

export class Receiver {
  readonly #o: ReceiverOptions;
  readonly #stock: Stock;
  readonly #wake = new Wake();
  #idle = false;
  readonly #heard = () => this.#wake.wake();
  readonly #injected: Uint8Array[] = [];
  readonly #head = new Uint8Array(HEADER + FILTER_BYTES);
  readonly #buffers: ArrayBufferView[] = [];
  /** A frame with header that has not found room yet. */
  #held: Uint8Array | undefined;
  /** Where it lies; one that is ours lies where it was made. */
  #kept: Uint8Array | undefined;
  /** Buffers that were too few for it. */
  #tooFew = 0;
  /** Room that the next frame is likely to need: as much as the longest one lately. */
  #wanted = USUAL;

  constructor(options: ReceiverOptions) {
    this.#o = options;
    this.#stock = new Stock(options);
  }

  /** Serves until the queue stops. */
  async run(): Promise<void> {
    const { queue, port } = this.#o;
    void queue.stopped.then(() => this.#wake.wake());
    try {
      while (await this.#buffersThere()) {
        let end = this.#turn();
        while (end === 'turn') {
          port.rest();
          await new Promise(resolve => setImmediate(resolve));
          end = this.#turn();
        }
        if (end === 'idle') await this.#somethingToRead();
        else port.rest();
        if (end === 'short') await this.#moreBuffers();
      }
    } finally {
      port.rest();
    }
  }

  /** Looks at the wire now, if it is waiting for it. */
  peek(): void {
    if (this.#idle) this.#wake.wake();
  }

  /** A frame, without header, that the guest is to receive although it was never on the wire. */
  inject(frame: Uint8Array): void {
    if (this.#injected.length === MAX_INJECTED) return;
    const bytes = new Uint8Array(HEADER + frame.length);
    bytes.set(frame, HEADER);
    this.#injected.push(bytes);
    this.#wake.wake();
  }

  /** Receives until something ends it; holds no buffers afterwards. */
  #turn(): End {
    let bytes = 0;
    try {
      for (let frames = 0; frames < TURN_FRAMES && bytes < TURN_BYTES; frames++) {
        if (!this.#stock.fill(this.#wanted)) return 'dry';
        this.#held ??= this.#injected.shift();
        const moved = this.#held ? this.#deliver(this.#held) : this.#receive();
        if (typeof moved !== 'number') return moved;
        bytes += moved;
      }
      return 'turn';
    } finally {
      this.#stock.putBack();
    }
  }

  /** Reads one frame; returns its length with header. */
  #receive(): number | End {
    const { port, lock, statistics } = this.#o;
    const buffers = lock ? LOOK : this.#buffersAndSpill();
    const length = port.read(buffers);
    if (length === 0) return 'idle';
    if (length > LONGEST) statistics.drop('long');
    else if (lock && !lock.toGuest(copy.subarray(HEADER, length))) statistics.drop('lockedIn');
    else if (!this.#welcome(buffers)) statistics.drop('filtered');
    else {
      // Rises at once, sinks slowly.
      this.#wanted = Math.max(length, USUAL, this.#wanted - (this.#wanted >> 5));
      if (lock) return this.#deliver(copy.subarray(0, length));
      if (length > this.#stock.room) {
        gatherScattered(buffers.map(bytesOf), copy.subarray(0, length));
        return this.#deliver(copy.subarray(0, length));
      }
      this.#use(length);
    }
    return length;
  }

  /** Copies a frame to the guest, or keeps it while there are too few buffers that it might span. */
  #deliver(frame: Uint8Array): number | 'short' {
    const { mergeable, statistics } = this.#o;
    this.#held = undefined;
    this.#stock.fill(frame.length);
    if (this.#stock.room >= frame.length) {
      fillScattered(this.#buffersAndSpill().map(bytesOf), frame);
      this.#use(frame.length);
    } else if (mergeable) {
      this.#held = frame.buffer === copy.buffer ? this.#keep(frame) : frame;
      this.#tooFew = this.#stock.count;
      return 'short';
    } else statistics.drop('full');
    return frame.length;
  }

  /** A copy that lasts until the next one. */
  #keep(frame: Uint8Array): Uint8Array {
    this.#kept ??= new Uint8Array(SCRATCH_BYTES);
    this.#kept.set(frame);
    return this.#kept.subarray(0, frame.length);
  }

  /** The list is the same one each time, and mostly as long as the last: to shorten an array costs more than to fill it. */
  #buffersAndSpill(): readonly ArrayBufferView[] {
    const buffers = this.#buffers;
    const count = this.#stock.spansInto(buffers) + 1;
    buffers[count - 1] = spill;
    if (buffers.length > count) buffers.length = count;
    return buffers;
  }

  #use(length: number): void {
    this.#stock.use(length);
    this.#o.statistics.received++;
    this.#o.statistics.receivedBytes += length - HEADER;
  }

  /** Whether the driver wants to hear the frame that was just read. A short frame is judged with what was there before it. */
  #welcome(buffers: readonly ArrayBufferView[]): boolean {
    const { filter } = this.#o;
    if (filter.open) return true;
    const first = buffers[0]!;
    if (first.byteLength >= HEADER + FILTER_BYTES) return filter.accepts(bytesAround(first), first.byteOffset + HEADER);
    gatherScattered(buffers.map(bytesOf), this.#head);
    return filter.accepts(this.#head, HEADER);
  }

  /** Waits for buffers of the guest; false once the queue stops. Nobody listens to the wire meanwhile. */
  async #buffersThere(): Promise<boolean> {
    const { queue, port } = this.#o;
    if (queue.tryNext() === undefined) {
      port.rest();
      if ((await queue.next()) === undefined) return false;
    }
    queue.unget();
    return true;
  }

  /** Goes on listening afterwards: what comes is read before the event loop looks again, mostly. */
  async #somethingToRead(): Promise<void> {
    this.#o.port.listen(this.#heard);
    this.#idle = true;
    await this.#wake.wait();
    this.#idle = false;
  }

  /** A driver that gives no more buffers in time loses the frame: it may be waiting for us to use those it gave. */
  async #moreBuffers(): Promise<void> {
    const { queue, statistics } = this.#o;
    if (await queue.more(this.#tooFew, PATIENCE_MS)) return;
    if (queue.stopping) return;
    this.#held = undefined;
    statistics.drop('full');
  }
}
