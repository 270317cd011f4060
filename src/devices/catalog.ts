/**
 * Every device in one place, a line each: from a serialisable configuration to the registers that a driver sees. Any thread may
 * load this; what does the work is in `services.ts` and is loaded by main alone.
 */
import type { RegisterFile } from '../state/register-file.ts';
import type { DeviceModel } from '../virtio/device.ts';
import { type BlockConfig, blockModel } from './block/registers.ts';
import { type ConsoleConfig, type ConsoleModel, consoleModel } from './console/registers.ts';
import { type NetConfig, netModel } from './net/registers.ts';
import { type RngConfig, rngModel } from './rng/registers.ts';
import { type CdromConfig, cdromModel } from './scsi/registers.ts';

export type DeviceConfig = ConsoleConfig | BlockConfig | CdromConfig | NetConfig | RngConfig;
export type DeviceKind = DeviceConfig['kind'];
export type ConfigOf<K extends DeviceKind> = Extract<DeviceConfig, { kind: K }>;

/** What the model of each kind of device has beyond {@link DeviceModel}. */
interface Models {
  console: ConsoleModel;
  block: DeviceModel;
  cdrom: DeviceModel;
  net: DeviceModel;
  rng: DeviceModel;
}
export type ModelOf<K extends DeviceKind> = Models[K];

const MODELS: { [K in DeviceKind]: (config: ConfigOf<K>, registers?: RegisterFile) => ModelOf<K> } = {
  console: consoleModel,
  block: blockModel,
  cdrom: cdromModel,
  net: netModel,
  rng: rngModel,
};

/**
 * The register side of a device. With `registers` it takes the slices it needs there, so every thread must call this for the same
 * configurations in the same order; without, the model only tells ids, features and sizes.
 */
export function modelFor<K extends DeviceKind>(config: ConfigOf<K>, registers?: RegisterFile): ModelOf<K> {
  return MODELS[config.kind as K](config, registers);
}
