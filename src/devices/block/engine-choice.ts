/**
 * Thread pool or io_uring, request by request. Measured side by side, on file systems and disks that answer in a fraction of a millisecond:
 *
 * - a single read is done a fifth sooner by the ring, since no thread has to wake up;
 * - a single write is not: file systems hand most writes in the ring to a thread of the kernel's;
 * - of several at a time the pool does a tenth to a fifth more, since its threads also share the work of asking.
 *
 * A disk that takes its time turns that round: the pool has as many requests under way as it has threads, four, and the ring has as many
 * as there are. So the pool is left as soon as its threads are all busy with a disk that proves slow.
 */
import type { FileIo } from './file-io.ts';

/** Threads of Node's pool unless the environment says otherwise. */
const POOL_THREADS = Number(process.env.UV_THREADPOOL_SIZE) || 4;
/** A thread that is kept this long by a request, in ms, has met a slow disk. */
const SLOW_MS = 1;
/** Of the latest request in the running mean. */
const WEIGHT = 1 / 8;

/** How long requests keep a thread of the pool, as a running mean. */
export class PoolPace {
  busy = 0;
  #mean = 0;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** All threads are taken, and will be for a while. */
  get stuck(): boolean {
    return this.busy >= POOL_THREADS && this.#mean > SLOW_MS;
  }

  /** Runs a request in the pool. */
  time<T>(request: () => Promise<T>): Promise<T> {
    const start = this.#now();
    // Those that queue for a thread count their part of the time only.
    const share = Math.min(1, POOL_THREADS / ++this.busy);
    return request().finally(() => {
      this.busy--;
      this.#mean += ((this.#now() - start) * share - this.#mean) * WEIGHT;
    });
  }
}

/** The engine that takes either `pool` or `ring` for each request. */
export function chooseBetween(pool: FileIo, ring: FileIo, pace = new PoolPace()): FileIo {
  let inRing = 0;
  const count = <T>(request: Promise<T>): Promise<T> => {
    inRing++;
    return request.finally(() => inRing--);
  };
  return {
    readv: (fd, buffers, offset) => {
      if (pace.stuck || pace.busy + inRing === 0) return count(ring.readv(fd, buffers, offset));
      return pace.time(() => pool.readv(fd, buffers, offset));
    },
    writev: (fd, buffers, offset) => {
      if (pace.stuck) return count(ring.writev(fd, buffers, offset));
      return pace.time(() => pool.writev(fd, buffers, offset));
    },
    writevCached: (fd, buffers, offset) => {
      if (pace.stuck) return count(ring.writevCached(fd, buffers, offset));
      return pace.time(() => pool.writevCached(fd, buffers, offset));
    },
  };
}
