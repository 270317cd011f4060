/**
 * Where the three parts of a split virtqueue lie in guest memory (virtio 1.2, 2.7), and typed views of them that can be read
 * in a hot path: the host is little-endian like the ring (2.4.3), so an array element is a field.
 *
 *     descriptor table  16 x size      addr u64, len u32, flags u16, next u16         aligned to 16
 *     available ring    6 + 2 x size   flags u16, idx u16, ring[size] u16, used_event u16     to 2
 *     used ring         6 + 8 x size   flags u16, idx u16, ring[size] {id u32, len u32}, avail_event u16     to 4
 */
import { hex } from '../base/bits.ts';
import { DriverError } from '../base/errors.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';

/** Greatest queue size that any device offers. */
export const MAX_QUEUE_SIZE = 1024;

/** Bytes of a descriptor. */
export const DESC_SIZE = 16;
/** Descriptor flags (2.7.5). */
export const DESC_F_NEXT = 1;
export const DESC_F_WRITE = 2;
export const DESC_F_INDIRECT = 4;

/** The only flag in the available ring: the driver wants no interrupts (2.7.7). */
export const AVAIL_F_NO_INTERRUPT = 1;
/** The only flag in the used ring: the device wants no kicks (2.7.10). */
export const USED_F_NO_NOTIFY = 1;

/** 16-bit element of either ring that holds `flags`, and the one that holds `idx`. */
export const RING_FLAGS = 0;
export const RING_IDX = 1;
/** First 16-bit element of the available ring's entries. */
export const AVAIL_RING = 2;

/** GPAs of the parts; `size` is a power of two. */
export interface RingLayout {
  readonly size: number;
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
}

/** Bytes of each part for a queue of `size` entries. */
export function ringBytes(size: number): { desc: number; avail: number; used: number } {
  return { desc: DESC_SIZE * size, avail: 6 + 2 * size, used: 6 + 8 * size };
}

/** Index of `used_event` in {@link Rings.avail}. */
export const usedEventIndex = (size: number): number => AVAIL_RING + size;
/** Index of `avail_event` in {@link Rings.used}. */
export const availEventIndex = (size: number): number => 2 + 4 * size;

export interface Rings {
  /** All of the available ring as 16-bit fields. */
  readonly avail: Uint16Array;
  /** All of the used ring as 16-bit fields, for flags, idx and avail_event. */
  readonly used: Uint16Array;
  /** Used elements: id of entry n at 2n, len at 2n + 1. */
  readonly usedElements: Uint32Array;
}

/**
 * Views of the rings. Throws DriverError unless each part is aligned and wholly RAM inside one host mapping: mappings are
 * gigabytes and start at multiples of their size, an allocation of some pages in a guest does not straddle two.
 */
export function openRings(memory: GuestMemory, layout: RingLayout): Rings {
  const { size } = layout;
  const bytes = ringBytes(size);
  part(memory, 'descriptor table', layout.desc, bytes.desc, 16);
  const avail = part(memory, 'available ring', layout.avail, bytes.avail, 2);
  const used = part(memory, 'used ring', layout.used, bytes.used, 4);
  return {
    avail: new Uint16Array(avail.buffer, avail.byteOffset, avail.length / 2),
    used: new Uint16Array(used.buffer, used.byteOffset, used.length / 2),
    usedElements: new Uint32Array(used.buffer, used.byteOffset + 4, 2 * size),
  };
}

function part(memory: GuestMemory, name: string, gpa: number, length: number, alignment: number): Uint8Array {
  if (gpa % alignment !== 0) throw new DriverError(`${name} at ${hex(gpa)} is not aligned to ${alignment} bytes`);
  try {
    return memory.bytes(gpa, length);
  } catch {
    throw new DriverError(`${name} at ${hex(gpa)} with ${length} bytes is not RAM`);
  }
}
