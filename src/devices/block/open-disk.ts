/** From one `--block` to a disk: the image opened, and what its registers will say about it. */
import type { BlockBackend } from './backend.ts';
import { openImage } from './image.ts';
import type { BlockOption } from './options.ts';
import { type BlockConfig, SECTOR } from './registers.ts';

/** Throws UsageError or HostError, one sentence, with nothing left open. `name` also stands for a serial number. */
export async function openDisk(
  name: string,
  option: BlockOption,
): Promise<{ readonly config: BlockConfig; readonly backend: BlockBackend }> {
  const { file, readOnly, format, backing, cache, queues, queueSize, serial = name } = option;
  const backend = await openImage(file, {
    readOnly,
    format,
    backing,
    direct: cache === 'none',
    keepSpace: !option.discard,
  });
  const { logical, physical, discard } = backend.blockSizes ?? { logical: SECTOR, physical: 4096, discard: 4096 };
  const config: BlockConfig = {
    kind: 'block',
    name,
    sectors: backend.size / SECTOR,
    readOnly,
    serial,
    blockSize: logical,
    physicalBlockSize: physical,
    queues,
    writeThrough: cache === 'writethrough',
    ...(option.discard ? { discardUnit: discard } : {}),
    ...(queueSize === undefined ? {} : { queueSize }),
  };
  return { config, backend };
}
