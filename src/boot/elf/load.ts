/**
 * Puts an ELF kernel's segments at their physical addresses and finds where to enter it. Checked first, as a whole: every
 * segment in RAM, none over another, none over what the launcher keeps below 1 MiB.
 */
import { hex, MiB } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import { HIGH_RAM_START, PCI_HOLE_END } from '../../memory/map.ts';
import { collision } from '../low-memory.ts';
import { overlaps, type Range } from '../range.ts';
import { type KernelSource, readIntoGuest } from '../source.ts';
import type { ElfImage, ElfSegment } from './parse.ts';

/** What a segment occupies, file bytes and zeros. */
export function occupied(segment: ElfSegment): Range {
  return { start: segment.physical, end: segment.physical + segment.memorySize };
}

/** Throws UsageError if a segment cannot go where it wants to. */
export function checkSegments(memory: GuestMemory, source: KernelSource, image: ElfImage): void {
  for (const segment of image.segments) {
    const range = occupied(segment);
    const where = `segment ${segment.index} of ${source.path} (${hex(range.start)} to ${hex(range.end)})`;
    if (!memory.has(segment.physical, segment.memorySize)) {
      throw new UsageError(
        `The guest's ${memory.size / MiB} MiB of memory do not hold ${where}.`,
        'Give the guest more memory, or check that the file is an x86 kernel.',
      );
    }
    const what = collision(range);
    if (what) {
      throw new UsageError(
        `${capital(where)} would overwrite ${what}.`,
        `Link the kernel at ${hex(HIGH_RAM_START)} or above.`,
      );
    }
    const other = image.segments.find(o => o.index < segment.index && overlaps(occupied(o), range));
    if (other) {
      throw new UsageError(`${capital(where)} overlaps segment ${other.index}.`, 'Build the kernel again.');
    }
  }
}

/** Reads the segments into guest memory, which must be zero: what a segment has beyond its file bytes is not written. */
export function loadSegments(memory: GuestMemory, source: KernelSource, image: ElfImage): void {
  for (const { offset, physical, fileSize } of image.segments) {
    readIntoGuest(source, offset, memory, physical, fileSize);
  }
}

/**
 * True if e_entry is a physical address inside a segment that is linked at another virtual address. Linux kernels are like that,
 * and few others.
 */
export function looksLikeLinux(image: ElfImage): boolean {
  const segment = physicallyAt(image, image.entry);
  return segment !== undefined && segment.virtual !== BigInt(segment.physical);
}

/** The physical address of e_entry. Throws UsageError if no segment contains it. */
export function entryPoint(source: KernelSource, image: ElfImage): number {
  const { entry } = image;
  if (physicallyAt(image, entry)) return checked(source, Number(entry));
  const segment = image.segments.find(s => entry >= s.virtual && entry < s.virtual + BigInt(s.memorySize));
  if (!segment) throw outside(source, `entry point ${hex(entry)}`);
  return checked(source, segment.physical + Number(entry - segment.virtual));
}

/** The physical address that a PVH note names. Throws UsageError if no segment contains it. */
export function pvhEntryAddress(source: KernelSource, image: ElfImage, entry: number): number {
  if (!physicallyAt(image, BigInt(entry))) throw outside(source, `PVH entry point ${hex(entry)}`);
  return entry;
}

function physicallyAt(image: ElfImage, address: bigint): ElfSegment | undefined {
  return image.segments.find(s => address >= s.physical && address < s.physical + s.memorySize);
}

function checked(source: KernelSource, address: number): number {
  if (address < PCI_HOLE_END) return address;
  throw new UsageError(
    `The entry point of ${source.path} is at ${hex(address)}, above 4 GiB.`,
    'Link the kernel below 4 GiB.',
  );
}

function outside(source: KernelSource, what: string): UsageError {
  return new UsageError(`The ${what} of ${source.path} lies in none of its segments.`, 'Build the kernel again.');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
