/** From `--cdrom` to a drive: its description for every thread, and the medium for the one that serves it. */
import type { CdromBackend } from './backend.ts';
import { CdromImage } from './image.ts';
import type { CdromOption } from './options.ts';
import type { CdromConfig } from './registers.ts';

export interface OpenDrive {
  readonly config: CdromConfig;
  readonly backend: CdromBackend;
}

/** Opens and locks the image. Throws like {@link CdromImage.open}. */
export async function openDrive(name: string, option: CdromOption): Promise<OpenDrive> {
  const backend = await CdromImage.open(option.file);
  return { config: { kind: 'cdrom', name, serial: option.serial ?? name }, backend };
}
