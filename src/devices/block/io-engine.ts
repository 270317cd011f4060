/**
 * How disks' files are read and written: through one io_uring for all of them where the kernel has it, by the thread pool otherwise, and
 * whenever the kernel says "not now" or "not this way". It is there as long as a file is open. Which of the two takes a request where both
 * can is for `engine-choice.ts` to say.
 */
import { IoUring } from '../../host/io-uring.ts';
import { chooseBetween } from './engine-choice.ts';
import { type FileIo, threadPool } from './file-io.ts';
import { WriteLane } from './write-lane.ts';

/** What the ring answers to a request that the pool may still serve: it has not been done, not even in part. */
const NOT_SO: ReadonlySet<unknown> = new Set(['ENOSYS', 'EAGAIN', 'EINTR', 'ECANCELED', 'EOPNOTSUPP']);

let ring: IoUring | undefined;
let lane: WriteLane | undefined;
let users = 0;

/** The engine, for one more file; {@link releaseIo} when it is closed. */
export function acquireIo(): FileIo {
  if (users++ === 0) {
    ring = IoUring.open();
    lane = WriteLane.open(threadPool.writev);
  }
  const pool = lane === undefined ? threadPool : { ...threadPool, writevCached: lane.writev };
  return ring === undefined ? pool : chooseBetween(pool, withFallback(ring));
}

export function releaseIo(): void {
  if (--users > 0) return;
  ring?.close();
  lane?.close();
  ring = undefined;
  lane = undefined;
}

function withFallback(first: IoUring): FileIo {
  const guarded =
    (name: 'readv' | 'writev'): FileIo[typeof name] =>
    (fd, buffers, offset) =>
      first[name](fd, buffers, offset).catch(error => {
        if (NOT_SO.has(error.code)) return threadPool[name](fd, buffers, offset);
        throw error;
      });
  const writev = guarded('writev');
  return { readv: guarded('readv'), writev, writevCached: writev };
}
