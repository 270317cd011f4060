/**
 * Places the initial RAM disk: at page granularity, as high as kernel and RAM allow, never over the kernel or the memory that
 * the kernel unpacks itself into.
 */
import { alignDown, KiB } from '../base/bits.ts';
import { UsageError } from '../base/errors.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { HIGH_RAM_START, PCI_HOLE_END } from '../memory/map.ts';
import { overlaps, type Range, ramOf } from './range.ts';
import { type KernelSource, readIntoGuest } from './source.ts';

const PAGE = 4096;

export interface InitrdLimits {
  /** Highest address that the initrd's last byte may have. */
  readonly max: number;
  /** The kernel takes an initrd above 4 GiB if none fits below. */
  readonly above4G: boolean;
  /** What the kernel occupies while it starts. */
  readonly kernel: readonly Range[];
}

/** Where an initrd goes. Throws UsageError, with the sizes, if it fits nowhere. */
export function placeInitrd(memory: GuestMemory, initrd: KernelSource, limits: InitrdLimits): Range {
  if (initrd.size === 0) throw new UsageError(`The initrd ${initrd.path} is empty.`, 'Give a cpio archive.');
  const gaps = freeRanges(memory, limits);
  // Below 4 GiB first: every kernel reaches it there.
  const low = gaps.filter(gap => gap.start < PCI_HOLE_END).reverse();
  const high = limits.above4G ? gaps.filter(gap => gap.start >= PCI_HOLE_END).reverse() : [];
  const usable = [...low, ...high];
  for (const gap of usable) {
    const start = alignDown(gap.end - initrd.size, PAGE);
    if (start >= gap.start) return { start, end: start + initrd.size };
  }
  const largest = Math.max(0, ...usable.map(gap => alignDown(gap.end, PAGE) - gap.start));
  throw new UsageError(
    `The initrd ${initrd.path} has ${kibibytes(initrd.size, Math.ceil)} KiB, but beside the kernel only ${kibibytes(largest, Math.floor)} KiB are free for it.`,
    'Give the guest more memory or use a smaller initrd.',
  );
}

export function loadInitrd(memory: GuestMemory, initrd: KernelSource, range: Range): void {
  readIntoGuest(initrd, 0, memory, range.start, initrd.size);
}

/** RAM above 1 MiB, below the kernel's limit, minus the kernel: page-aligned starts, ascending. */
function freeRanges(memory: GuestMemory, limits: InitrdLimits): Range[] {
  let free: Range[] = [];
  for (const ram of ramOf(memory)) {
    const low = ram.start < PCI_HOLE_END;
    const end = low ? Math.min(ram.end, limits.max + 1) : ram.end;
    free.push({ start: Math.max(ram.start, HIGH_RAM_START), end });
  }
  for (const kernel of limits.kernel) {
    const taken = { start: alignDown(kernel.start, PAGE), end: alignDown(kernel.end + PAGE - 1, PAGE) };
    free = free.flatMap(gap =>
      overlaps(gap, taken)
        ? [
            { start: gap.start, end: taken.start },
            { start: taken.end, end: gap.end },
          ]
        : [gap],
    );
  }
  return free.filter(gap => gap.end > gap.start).sort((a, b) => a.start - b.start);
}

function kibibytes(size: number, round: (value: number) => number): number {
  return round(size / KiB);
}
