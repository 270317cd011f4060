/** Sizes of disks and clusters as users write them: bytes, or with a suffix in powers of 1024. */
import { GiB, KiB, MiB } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, K: KiB, M: MiB, G: GiB, T: 1024 * GiB };
const SIZE = /^(\d+)([KMGT]?)(?:i?B)?$/i;

/** Bytes for `10G`, `512M`, `65536`. `what` is how messages call it. Throws UsageError. */
export function parseBytes(what: string, text: string): number {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[(unit ?? '').toUpperCase()] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(`The ${what} "${text}" is not a number of bytes.`, 'Write for example 10G, 512M or 64K.');
}
