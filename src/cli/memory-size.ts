/** The guest's memory as users write it: MiB, or with the suffix they know from QEMU. */
import { GiB, MiB } from '../base/bits.ts';
import { UsageError } from '../base/errors.ts';
import { MAX_MEMORY, MIN_MEMORY } from '../memory/map.ts';

const UNITS: Readonly<Record<string, number>> = { '': MiB, M: MiB, G: GiB, T: 1024 * GiB };
const SIZE = /^(\d+)([MGT]?)(?:i?B)?$/i;

/** Bytes for `512`, `512M` or `2G`. `hostMemory` is how much RAM the host has, in bytes. Throws UsageError. */
export function parseMemory(text: string, hostMemory: number): number {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[(unit ?? '').toUpperCase()] ?? Number.NaN);
  if (Number.isNaN(bytes)) {
    throw new UsageError(
      `The memory size '${text}' is not a whole number of MiB.`,
      'Write for example 512, 512M or 2G, before the kernel.',
    );
  }
  if (bytes < MIN_MEMORY) {
    throw new UsageError(`A memory size of ${text} is too little.`, `Give the guest at least ${MIN_MEMORY / MiB} MiB.`);
  }
  const limit = Math.min(hostMemory, MAX_MEMORY);
  if (bytes > limit) {
    const owner = limit === hostMemory ? 'this host has' : 'a guest may have';
    throw new UsageError(
      `A memory size of ${text} is too much: ${owner} ${Math.floor(limit / MiB)} MiB.`,
      'Give the guest less.',
    );
  }
  return bytes;
}
