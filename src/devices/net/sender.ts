/**
 * Frames from the guest to the wire: one vectored write each, straight from the guest's memory, header and all. Where a frame has
 * to be looked at (a locked address, an answer of the launcher's own) it is copied first, so that the guest cannot change it after the look.
 * What is no frame is dropped and counted, and the queue goes on; what the kernel thinks of a header is the kernel's to say.
 */
import { DriverError } from '../../base/errors.ts';
import type { Chain, Completion, Virtqueue } from '../../virtio/virtqueue.ts';
import { gatherScattered } from '../scatter.ts';
import type { NetPort } from './backend.ts';
import type { FrameFilter, Interceptor } from './config.ts';
import { ETHERNET, HEADER, MAX_FRAME } from './header.ts';
import { copy } from './scratch.ts';
import type { DropReason, NetStatistics } from './statistics.ts';

/** Frames and bytes in a row before other work on the event loop gets a turn. */
const TURN_FRAMES = 256;
const TURN_BYTES = 4 * 1024 * 1024;
/** Frames that go before the driver hears of any: each look at the used ring costs it and us. */
const TOGETHER = 16;
/** Pieces that one system call takes (IOV_MAX). */
const MAX_PIECES = 1024;
/** What an interceptor sees of a frame before it says whether it wants it. */
const LOOK = 64;

export interface SenderOptions {
  readonly queue: Virtqueue;
  readonly port: NetPort;
  readonly lock: FrameFilter | undefined;
  readonly interceptor: Interceptor | undefined;
  /** Takes the interceptor's answers to the guest. */
  readonly reply: (frame: Uint8Array) => void;
  /** Called when all frames that were there have gone. */
  readonly sent: () => void;
  readonly statistics: NetStatistics;
}

/** What became of a frame. */
type Fate = 'sent' | 'answered' | DropReason;

export class Sender {
  readonly #o: SenderOptions;
  /** What has gone, and the driver has not heard of. */
  readonly #gone: Completion[] = [];

  constructor(options: SenderOptions) {
    this.#o = options;
  }

  /** Serves until the queue stops. */
  async run(): Promise<void> {
    const { queue } = this.#o;
    for (let chain = await queue.next(); chain; chain = await queue.next()) {
      while (this.#turn(chain)) {
        await new Promise(resolve => setImmediate(resolve));
        const next = queue.tryNext();
        if (next === undefined) break;
        chain = next;
      }
      // Who is near has answered already: the host's kernel does so within the write.
      this.#o.sent();
    }
  }

  /** Sends what there is, from `first` on; false when nothing is left, true when that has gone on for long enough. */
  #turn(first: Chain): boolean {
    const { queue } = this.#o;
    let bytes = 0;
    try {
      let chain: Chain | undefined = first;
      for (let frames = 0; chain; chain = queue.tryNext()) {
        const fate = this.#send(chain);
        this.#gone.push({ chain, written: 0 });
        this.#count(fate, chain.readableLength - HEADER);
        bytes += chain.readableLength;
        if (++frames === TURN_FRAMES || bytes >= TURN_BYTES) return true;
        if (frames % TOGETHER === 0) this.#tell();
      }
      return false;
    } finally {
      this.#tell();
    }
  }

  #tell(): void {
    if (this.#gone.length === 0) return;
    this.#o.queue.completeTogether(this.#gone);
    this.#gone.length = 0;
  }

  /** Throws DriverError for a chain with a part to write (5.1.6.2). */
  #send(chain: Chain): Fate {
    const { lock, interceptor, port } = this.#o;
    const { readableLength, readableSpans } = chain;
    if (chain.writableSpans.length > 0) throw new DriverError('a frame to send has a device-writable part');
    if (readableLength < HEADER + ETHERNET) return 'short';
    if (readableLength > HEADER + MAX_FRAME) return 'long';
    const wanted = interceptor?.wants(copied(chain, Math.min(readableLength, HEADER + LOOK))) ?? false;
    if (!lock && !wanted && readableSpans.length <= MAX_PIECES) return port.write(readableSpans);
    const frame = copied(chain, readableLength);
    if (lock && !lock.fromGuest(frame)) return 'lockedOut';
    const fate = wanted ? this.#intercept(interceptor!, frame) : undefined;
    return fate ?? port.write([copy.subarray(0, readableLength)]);
  }

  /** Undefined for a frame that is to go on its way. */
  #intercept(interceptor: Interceptor, frame: Uint8Array): Fate | undefined {
    const answer = interceptor.answer(frame);
    if (answer === undefined) return undefined;
    if (answer === 'drop') return 'unanswered';
    this.#o.reply(answer);
    return 'answered';
  }

  #count(fate: Fate, length: number): void {
    const { statistics } = this.#o;
    if (fate === 'sent') {
      statistics.sent++;
      statistics.sentBytes += length;
    } else if (fate === 'answered') statistics.answered++;
    else statistics.drop(fate);
  }
}

/** Copies the first `length` bytes, and returns them without the header. */
function copied({ readable }: Chain, length: number): Uint8Array {
  gatherScattered(readable, copy.subarray(0, length));
  return copy.subarray(HEADER, length);
}
