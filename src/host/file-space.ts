/**
 * What a file or block device has of space: how long it is now, and ways to give a part of it back or to zero it without writing. The calls
 * that may wait for a disk run on a thread of Node's pool. Errors are errno's names, as in Node's own.
 */
import { addressOf } from './address.ts';
import { errno, libc } from './libc.ts';

const SEEK_END = 2;

/** fallocate(2). */
const FALLOC = { keepSize: 1, punchHole: 2, zeroRange: 16 } as const;
/** linux/fs.h: `_IO(0x12, 119)`. */
const BLKDISCARD = 0x1277;

type Done = (error: Error | null, result: number) => void;
interface Async<Arguments extends unknown[]> {
  async(...args: [...Arguments, Done]): void;
}

const lseek: (fd: number, offset: number, whence: number) => number = libc.func(
  'int64_t lseek(int fd, int64_t offset, int whence)',
);
const fallocate = libc.func('int fallocate(int fd, int mode, int64_t offset, int64_t length)') as unknown as Async<
  [number, number, number, number]
>;
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)') as unknown as Async<
  [number, number, Uint8Array]
>;

/** An error as Node's file system calls throw them. */
export interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

/**
 * Length in bytes of the file or block device now, a quarter of a microsecond's work. Moves the descriptor's offset, which positional I/O
 * does not use. Throws SystemError.
 */
export function lengthNow(fd: number): number {
  const length = lseek(fd, 0, SEEK_END);
  if (length < 0) throw systemError('lseek', errno());
  return length;
}

/** [offset, offset + length) reads as zeroes and takes no space. Rejects with EOPNOTSUPP where the file system cannot. */
export function punchHole(fd: number, offset: number, length: number): Promise<void> {
  return call('fallocate', done => fallocate.async(fd, FALLOC.punchHole | FALLOC.keepSize, offset, length, done));
}

/** [offset, offset + length) reads as zeroes and keeps its space. Rejects with EOPNOTSUPP where the file system cannot. */
export function zeroRange(fd: number, offset: number, length: number): Promise<void> {
  return call('fallocate', done => fallocate.async(fd, FALLOC.zeroRange | FALLOC.keepSize, offset, length, done));
}

/** Tells a block device that [offset, offset + length) is not needed; what it reads as afterwards is the device's affair. */
export function discardBlocks(fd: number, offset: number, length: number): Promise<void> {
  const range = new Uint8Array(new BigUint64Array([BigInt(offset), BigInt(length)]).buffer);
  return call('BLKDISCARD', done => ioctl.async(fd, BLKDISCARD, range, done));
}

/** Where in this process's memory the buffer's bytes are, modulo `alignment`. */
export function misalignment(bytes: Uint8Array, alignment: number): number {
  return (addressOf(bytes.buffer) + bytes.byteOffset) % alignment;
}

function call(syscall: string, start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error !== null) reject(error);
      else if (result < 0) reject(systemError(syscall, errno()));
      else resolve();
    });
  });
}

/** `code` is an errno's name. */
export function systemError(syscall: string, code: string): SystemError {
  return Object.assign(new Error(`${syscall} failed with ${code}`), { code, syscall });
}
