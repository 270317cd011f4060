/**
 * Vectored file I/O straight between a file and guest memory, whole or not at all: short reads and writes are continued, and no
 * system call moves more than a few megabytes, so one huge request keeps a pool thread from the others for a moment only.
 */
import { readv, writev } from 'node:fs';
import { MiB } from '../../base/bits.ts';
import { scatteredLength, sliceScattered } from '../scatter.ts';

/** Most bytes and buffers (IOV_MAX) of one system call. */
const MAX_STEP = 4 * MiB;
const MAX_BUFFERS = 1024;

/** readv(2) and writev(2) at an offset, of at most {@link MAX_BUFFERS} buffers, without waiting on this thread. */
export interface FileIo {
  readv(fd: number, buffers: readonly Uint8Array[], offset: number): Promise<number>;
  writev(fd: number, buffers: readonly Uint8Array[], offset: number): Promise<number>;
  /** As writev, for writes that are done when the page cache has them. */
  writevCached(fd: number, buffers: readonly Uint8Array[], offset: number): Promise<number>;
}

const poolWritev: FileIo['writev'] = (fd, buffers, offset) =>
  new Promise((resolve, reject) => {
    writev(fd, buffers, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
  });

/** On the threads of Node's pool. */
export const threadPool: FileIo = {
  readv: (fd, buffers, offset) =>
    new Promise((resolve, reject) => {
      readv(fd, buffers, offset, (error, count) => (error === null ? resolve(count) : reject(error)));
    }),
  writev: poolWritev,
  writevCached: poolWritev,
};

type Step = (buffers: Uint8Array[], offset: number) => Promise<number>;

/** Fills `buffers` from `offset`; resolves to the bytes read, fewer only at the end of the file. */
export function readFully(
  fd: number,
  offset: number,
  buffers: readonly Uint8Array[],
  io = threadPool,
): Promise<number> {
  return inSteps(offset, buffers, (part, at) => io.readv(fd, part, at));
}

/** Writes all of `buffers` at `offset`, by way of `write`. */
export function writeFully(
  fd: number,
  offset: number,
  buffers: readonly Uint8Array[],
  write = threadPool.writev,
): Promise<void> {
  // Nearly all that comes is done in one step, for which there is nothing to keep account of.
  const length = scatteredLength(buffers);
  if (length === 0 || length > MAX_STEP || buffers.length > MAX_BUFFERS)
    return writeInSteps(fd, offset, buffers, write);
  return write(fd, buffers, offset).then(count => {
    if (count === length) return;
    return writeInSteps(fd, offset + count, sliceScattered(buffers, count, length), write);
  });
}

async function writeInSteps(
  fd: number,
  offset: number,
  buffers: readonly Uint8Array[],
  write: FileIo['writev'],
): Promise<void> {
  await inSteps(offset, buffers, async (part, at) => {
    const count = await write(fd, part, at);
    if (count === 0) throw new Error('the file takes no more bytes');
    return count;
  });
}

/** Repeats `step` until the buffers are done or it moves nothing. */
export async function inSteps(offset: number, buffers: readonly Uint8Array[], step: Step): Promise<number> {
  const rest = [...buffers];
  let index = 0;
  let done = 0;
  while (index < rest.length) {
    let moved = await step(firstPart(rest, index), offset + done);
    if (moved === 0) break;
    done += moved;
    while (index < rest.length && moved >= rest[index]!.length) moved -= rest[index++]!.length;
    if (index < rest.length && moved > 0) rest[index] = rest[index]!.subarray(moved);
  }
  return done;
}

/** As many of the buffers from `index` as one system call may have. */
function firstPart(buffers: readonly Uint8Array[], index: number): Uint8Array[] {
  const part: Uint8Array[] = [];
  let room = MAX_STEP;
  for (let i = index; i < buffers.length && part.length < MAX_BUFFERS && room > 0; i++) {
    const buffer = buffers[i]!;
    part.push(buffer.length <= room ? buffer : buffer.subarray(0, room));
    room -= Math.min(buffer.length, room);
  }
  return part;
}
