/** From a bzImage to a boot plan. */
import { UsageError } from '../../base/errors.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { BootPlan, EntryChoice } from '../plan.ts';
import type { KernelSource } from '../source.ts';
import { bzImageEntry, checkRoom, loadBzImage, runtimeRange } from './load.ts';
import { parseBzImage, protocol } from './parse.ts';

/** Throws UsageError if the kernel cannot be loaded into this guest. */
export function planBzImage(
  memory: GuestMemory,
  source: KernelSource,
  head: Uint8Array,
  choice: EntryChoice,
): BootPlan {
  if (choice === 'pvh') {
    throw new UsageError(
      `${source.path} is a bzImage, which has no PVH entry.`,
      'Give the vmlinux that it was made from.',
    );
  }
  const image = parseBzImage(source, head);
  checkRoom(memory, source, image);
  const bits = image.entry64 ? 64 : 32;
  return {
    format: `bzimage${bits}`,
    protocol: `linux${bits}`,
    entryPoint: bzImageEntry(image),
    occupied: [runtimeRange(image)],
    initrdMax: image.initrdMax,
    initrdAbove4G: image.initrdAbove4G && image.entry64,
    commandLineMax: image.commandLineMax,
    setupHeader: image.setupHeader,
    code32Start: image.loadAddress,
    description: `bzImage of boot protocol ${protocol(image.version)}, ${bits}-bit entry`,
    load: () => loadBzImage(memory, source, image),
  };
}
