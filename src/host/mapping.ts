/**
 * Memory shared between threads and with the kernel: a memfd for guest RAM, and mappings of file descriptors as ArrayBuffers.
 * Each thread maps for itself; unmapping leaves the ArrayBuffer dangling, so owners drop every view first.
 */
import koffi from 'koffi';
import { GiB } from '../base/bits.ts';
import { HostError } from '../base/errors.ts';
import { check, errno, sys } from './libc.ts';

const PROT_NONE = 0;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MFD_CLOEXEC = 1;
const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;
/** One ArrayBuffer covers at most this much; V8 allows 4 GiB less a byte. */
const LONGEST_VIEW = 2 * GiB;
/** Inaccessible pages on both sides of guest RAM, so that a stray host access faults instead of reading a neighbour. */
const GUARD_BYTES = 1 << 20;

export interface HostMapping {
  /** Address in this process. */
  readonly address: bigint;
  /** Length in bytes. */
  readonly length: number;
  /** The memory as consecutive views of at most 2 GiB. */
  readonly views: readonly Uint8Array[];
  unmap(): void;
}

/** A zeroed, lazily populated memory file of `length` bytes. Returns its descriptor. */
export function createMemory(name: string, length: number): number {
  const fd = check('memfd_create', sys.memfd_create(name, MFD_CLOEXEC));
  check('ftruncate', sys.ftruncate(fd, length));
  return fd;
}

/** Zeroes a memory file and gives its pages back; existing mappings stay and read zeroes. */
export function clearMemory(fd: number, length: number): void {
  check('fallocate', sys.fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length));
}

function mmap(address: bigint | null, length: number, prot: number, flags: number, fd: number, offset: number): bigint {
  const result = sys.mmap(address, length, prot, flags, fd, offset);
  if (BigInt.asIntN(64, result) === -1n) {
    const name = errno();
    const remedy = name === 'ENOMEM' ? 'Give the guest less memory or raise the limits of `ulimit -v`.' : undefined;
    throw new HostError(`Mapping ${length} bytes failed with ${name}.`, remedy, { syscall: 'mmap', errno: name });
  }
  return result;
}

/** Maps [offset, offset + length) of `fd`, shared. With `guarded`, between pages that nobody may touch. */
export function mapShared(
  fd: number,
  length: number,
  { offset = 0, guarded = false }: { offset?: number; guarded?: boolean } = {},
): HostMapping {
  const guard = guarded ? GUARD_BYTES : 0;
  const outer = guarded
    ? mmap(null, length + 2 * guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    : 0n;
  const address = guarded
    ? mmap(outer + BigInt(guard), length, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, offset)
    : mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, offset);
  const views: Uint8Array[] = [];
  for (let at = 0; at < length; at += LONGEST_VIEW) {
    const size = Math.min(LONGEST_VIEW, length - at);
    views.push(new Uint8Array(koffi.view(address + BigInt(at), size)));
  }
  const unmap = () => void sys.munmap(guarded ? outer : address, length + 2 * guard);
  return { address, length, views, unmap };
}
