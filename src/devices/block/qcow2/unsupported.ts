/** Features of an image without which it cannot be read right, and that are not supported: each is refused by its name. */
import { INCOMPATIBLE } from './format.ts';
import { refusal } from './refusal.ts';

const ENCRYPTION: Readonly<Record<number, string>> = { 1: 'AES', 2: 'LUKS' };
const CONVERT = 'Convert it with `qemu-img convert -O qcow2`.';
/** Bits that are understood. */
const KNOWN: readonly number[] = [INCOMPATIBLE.dirty, INCOMPATIBLE.compression];

/**
 * Throws UsageError for the first feature that stands in the way. `incompatible` are the numbers of the bits that are set, `names`
 * what the image itself calls them.
 */
export function refuseFeatures(
  encryption: number,
  incompatible: readonly number[],
  names: ReadonlyMap<number, string>,
  label: string,
): void {
  if (encryption !== 0) {
    const method = ENCRYPTION[encryption] ?? `method ${encryption}`;
    throw refusal(label, `is encrypted (${method}), which is not supported`, `Decrypt it: ${CONVERT}`);
  }
  if (incompatible.includes(INCOMPATIBLE.corrupt)) {
    throw refusal(label, 'is marked as corrupt', 'Repair a copy of it with `qemu-img check -r all`.');
  }
  if (incompatible.includes(INCOMPATIBLE.dataFile)) {
    throw refusal(label, 'keeps its data in another file (external data file), which is not supported', CONVERT);
  }
  if (incompatible.includes(INCOMPATIBLE.extendedL2)) {
    throw refusal(label, 'has extended L2 entries (subclusters), which are not supported', CONVERT);
  }
  const unknown = incompatible.filter(bit => !KNOWN.includes(bit)).map(bit => names.get(bit) ?? `unnamed bit ${bit}`);
  if (unknown.length > 0) {
    const features = unknown.length === 1 ? 'a feature that is' : 'features that are';
    throw refusal(label, `needs ${features} not supported: ${unknown.join(', ')}`, CONVERT);
  }
}
