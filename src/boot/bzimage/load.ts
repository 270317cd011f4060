/** Puts the protected-mode code of a bzImage where it wants to be. It unpacks itself; we only make sure that it has the room. */
import { alignUp, MiB } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { Range } from '../range.ts';
import { type KernelSource, readIntoGuest } from '../source.ts';
import type { BzImage } from './parse.ts';

/** Offset of the 64-bit entry in the protected-mode code. */
const ENTRY_64 = 0x200;

/** What the kernel occupies until it has read its memory map: the packed code and the `init_size` bytes it unpacks into. */
export function runtimeRange(image: BzImage): Range {
  return { start: image.loadAddress, end: image.loadAddress + Math.max(image.initSize, image.size) };
}

/** Throws UsageError if the guest's memory cannot hold the kernel while it unpacks itself. */
export function checkRoom(memory: GuestMemory, source: KernelSource, image: BzImage): void {
  const { start, end } = runtimeRange(image);
  if (memory.has(start, end - start)) return;
  throw new UsageError(
    `${source.path} needs memory up to ${alignUp(end, MiB) / MiB} MiB to unpack itself, but the guest has ${memory.size / MiB} MiB.`,
    'Give the guest more memory, or boot the unpacked vmlinux.',
  );
}

export function loadBzImage(memory: GuestMemory, source: KernelSource, image: BzImage): void {
  readIntoGuest(source, image.offset, memory, image.loadAddress, image.size);
}

/** Where the CPU starts, in the mode that {@link BzImage.entry64} says. */
export function bzImageEntry(image: BzImage): number {
  return image.loadAddress + (image.entry64 ? ENTRY_64 : 0);
}
