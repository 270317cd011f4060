/** The working side of every device, a line each. Main alone loads this: backends belong to its event loop. */
import type { DeviceService } from '../virtio/device.ts';
import type { BlockBackend } from './block/backend.ts';
import { BlockService } from './block/service.ts';
import type { ConfigOf, DeviceKind, ModelOf } from './catalog.ts';
import type { ConsolePort } from './console/backend.ts';
import { ConsoleService } from './console/service.ts';
import { type NetParts, NetService } from './net/service.ts';
import type { RngBackend } from './rng/backend.ts';
import { RngService } from './rng/service.ts';
import type { CdromBackend } from './scsi/backend.ts';
import { CdromService } from './scsi/service.ts';

/** What each kind of device needs of the host. */
export interface Backends {
  console: ConsolePort;
  block: BlockBackend;
  cdrom: CdromBackend;
  net: NetParts;
  rng: RngBackend;
}

const SERVICES: {
  [K in DeviceKind]: (config: ConfigOf<K>, model: ModelOf<K>, backend: Backends[K]) => DeviceService;
} = {
  console: (_config, model, backend) => new ConsoleService(model, backend),
  block: (config, _model, backend) => new BlockService(config, backend),
  cdrom: (config, _model, backend) => new CdromService(config, backend),
  net: (config, _model, parts) => new NetService(config, parts),
  rng: (_config, _model, backend) => new RngService(backend),
};

/** Joins a device's registers to its backend. `model` is the one that main's board uses. */
export function serviceFor<K extends DeviceKind>(
  config: ConfigOf<K>,
  model: ModelOf<K>,
  backend: Backends[K],
): DeviceService {
  return SERVICES[config.kind as K](config, model, backend);
}
