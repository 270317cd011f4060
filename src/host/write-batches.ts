/**
 * Many writes to the page cache in one trip to a thread: io_submit(2), Linux's older asynchronous I/O, does these one after the other before
 * it returns. So a thread of Node's pool that calls it has done a whole batch; each by itself would have woken a thread, and
 * several of them would have waited for each other at the file's lock.
 */
import { addressOf } from './address.ts';
import { type SystemError, systemError } from './file-space.ts';
import { put, Vectors } from './iovec.ts';
import { errnoName, libc } from './libc.ts';

const SYS = { setup: 206, destroy: 207, getevents: 208, submit: 209 } as const;

/** Most writes of a batch, so that the first ones need not wait for long, and buffers that they have together. */
const MOST_WRITES = 16;
const MOST_BUFFERS = 1024;

/** `struct iocb` and `struct io_event` (linux/aio_abi.h), in words of 32 bits. */
const IOCB = { words: 16, data: 0, opcode: 4, fd: 5, buffers: 6, count: 8, offset: 10 } as const;
const EVENT = { words: 8, data: 0, result: 4 } as const;
const PWRITEV = 8;

type Done = (error: Error | null, result: number) => void;
interface Call {
  (number: number, context: number, a: number, b: number, c: number, d: number): number;
  async(number: number, context: number, a: number, b: number, c: number, d: number, done: Done): void;
}
/** syscall(2) with numbers and addresses; a call that takes fewer arguments does not look at the others. */
const call = libc.func(
  'long syscall(long number, uintptr_t context, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)',
) as unknown as Call;
const setUp: (number: number, events: number, context: BigUint64Array) => number = libc.func(
  'long syscall(long number, long events, void *context)',
);

export interface Write {
  readonly fd: number;
  readonly buffers: readonly Uint8Array[];
  readonly offset: number;
}
/** The bytes written, an error, or undefined for a write that was not begun. */
export type WriteResult = number | SystemError | undefined;

export class WriteBatches {
  readonly #context: number;
  readonly #iocbs = new Uint32Array(IOCB.words * MOST_WRITES);
  readonly #pointers = new BigUint64Array(MOST_WRITES);
  readonly #vectors = new Vectors(MOST_BUFFERS);
  readonly #events = new Int32Array(EVENT.words * MOST_WRITES);
  #running = false;
  #closed = false;

  private constructor(context: number) {
    this.#context = context;
    const at = addressOf(this.#iocbs.buffer);
    for (let i = 0; i < MOST_WRITES; i++) this.#pointers[i] = BigInt(at + i * IOCB.words * 4);
  }

  /** Undefined where the kernel has no such thing, or does not let us. */
  static open(): WriteBatches | undefined {
    const context = new BigUint64Array(1);
    return setUp(SYS.setup, MOST_WRITES, context) < 0 ? undefined : new WriteBatches(Number(context[0]));
  }

  /** How many writes, from the first on, one batch can take; 0 if that one has too many buffers. */
  room(writes: readonly Write[]): number {
    let buffers = 0;
    const most = Math.min(writes.length, MOST_WRITES);
    for (let i = 0; i < most; i++) {
      buffers += writes[i]!.buffers.length;
      if (buffers > MOST_BUFFERS) return i;
    }
    return most;
  }

  /** Does as many writes as there is {@link room} for, to files that are open without O_DIRECT. One batch at a time. */
  async run(writes: readonly Write[]): Promise<readonly WriteResult[]> {
    if (this.#running || this.#closed) throw new Error('one batch at a time');
    this.#running = true;
    this.#fill(writes);
    const results = new Array<WriteResult>(writes.length).fill(undefined);
    const taken = await new Promise<number>(resolve => {
      const pointers = addressOf(this.#pointers.buffer);
      call.async(SYS.submit, this.#context, writes.length, pointers, 0, 0, (error, count) =>
        resolve(error ? 0 : count),
      );
    });
    let left = Math.max(0, taken);
    left -= this.#collect(call(SYS.getevents, this.#context, 0, MOST_WRITES, this.#eventsAt, 0), results);
    // All results are there, unless a file system does even such writes behind our back.
    while (left > 0) left -= this.#collect(await this.#wait(left), results);
    this.#running = false;
    if (this.#closed) this.#destroy();
    return results;
  }

  /** A batch that is running still comes to its end. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#running) this.#destroy();
  }

  get #eventsAt(): number {
    return addressOf(this.#events.buffer);
  }

  #wait(count: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done: Done = (error, came) => (error ? reject(error) : resolve(came));
      call.async(SYS.getevents, this.#context, count, MOST_WRITES, this.#eventsAt, 0, done);
    });
  }

  /** Returns how many results there were. */
  #collect(count: number, results: WriteResult[]): number {
    for (let i = 0; i < count; i++) {
      const at = i * EVENT.words;
      const result = this.#events[at + EVENT.result]!;
      results[this.#events[at + EVENT.data]!] = result >= 0 ? result : systemError('writev', errnoName(-result));
    }
    return Math.max(0, count);
  }

  #destroy(): void {
    call(SYS.destroy, this.#context, 0, 0, 0, 0);
  }

  #fill(writes: readonly Write[]): void {
    let vector = 0;
    this.#iocbs.fill(0);
    for (let i = 0; i < writes.length; i++) {
      const { fd, buffers, offset } = writes[i]!;
      const at = i * IOCB.words;
      this.#iocbs[at + IOCB.data] = i;
      this.#iocbs[at + IOCB.opcode] = PWRITEV;
      this.#iocbs[at + IOCB.fd] = fd;
      put(this.#iocbs, at + IOCB.buffers, this.#vectors.at(vector));
      this.#iocbs[at + IOCB.count] = buffers.length;
      put(this.#iocbs, at + IOCB.offset, offset);
      this.#vectors.fill(buffers, vector);
      vector += buffers.length;
    }
  }
}
