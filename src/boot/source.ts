/**
 * Where a kernel or an initrd comes from. A vmlinux may be hundreds of megabytes, so a loader never asks for the whole file:
 * it reads headers, then lets each piece be read straight into guest memory.
 */
import { MiB } from '../base/bits.ts';
import { UsageError } from '../base/errors.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';

export interface KernelSource {
  /** As the user wrote it: error messages name it. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Reads at `offset` into `target` like pread(2): returns the bytes read, less than asked for only at the end of the file. */
  readInto(offset: number, target: Uint8Array): number;
}

/** One read: far below the 2 GiB that a single system call moves at most. */
const CHUNK = 64 * MiB;

/** `length` bytes as a copy, for headers. Throws UsageError if the file ends before. */
export function readBytes(source: KernelSource, offset: number, length: number): Uint8Array {
  const target = new Uint8Array(length);
  fill(source, offset, target);
  return target;
}

/** Reads `length` bytes of the file straight into guest memory at `gpa`. The caller has checked that all of it is RAM. */
export function readIntoGuest(
  source: KernelSource,
  offset: number,
  memory: GuestMemory,
  gpa: number,
  length: number,
): void {
  let at = offset;
  for (const piece of memory.pieces(gpa, length)) {
    for (let done = 0; done < piece.length; done += CHUNK) {
      fill(source, at + done, piece.subarray(done, Math.min(done + CHUNK, piece.length)));
    }
    at += piece.length;
  }
}

function fill(source: KernelSource, offset: number, target: Uint8Array): void {
  let done = 0;
  while (done < target.length) {
    const count = source.readInto(offset + done, target.subarray(done));
    if (count <= 0) {
      throw new UsageError(
        `${source.path} ends at byte ${offset + done}, before all of it was read.`,
        'Copy it again.',
      );
    }
    done += count;
  }
}
