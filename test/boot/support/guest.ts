/** Guests and files made up for boot tests: RAM of any shape in plain buffers, and kernels that exist in memory only. */
import { describeError, UsageError } from '../../../src/base/errors.ts';
import type { KernelSource } from '../../../src/boot/source.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';

export const MIB = 1024 * 1024;

/** RAM at the given addresses, all zero. Sizes in bytes. */
export function memoryOf(...regions: readonly (readonly [gpa: number, size: number])[]): GuestMemory {
  return new GuestMemory(regions.map(([gpa, size]) => ({ gpa, bytes: new Uint8Array(size) })));
}

/** A guest with RAM from 0 on. */
export function guestOf(mebibytes: number): GuestMemory {
  return memoryOf([0, mebibytes * MIB]);
}

/** A file that exists in memory and counts what is asked of it. */
export class TestFile implements KernelSource {
  readonly path: string;
  readonly bytes: Uint8Array;
  size: number;
  /** Length of the longest single read. */
  longest = 0;
  /** Most bytes that one read returns, as a pipe or a signal may cut it. */
  most = Number.POSITIVE_INFINITY;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.size = bytes.length;
  }

  readInto(offset: number, target: Uint8Array): number {
    this.longest = Math.max(this.longest, target.length);
    const part = this.bytes.subarray(offset, offset + Math.min(target.length, this.most));
    target.set(part);
    return part.length;
  }
}

/** What a UsageError says to the user. Fails the test if `act` throws anything else, or nothing. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UsageError) return describeError(error);
    throw error;
  }
  throw new Error('was not refused');
}
