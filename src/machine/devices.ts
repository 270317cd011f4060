/**
 * The devices as main has them: what they are made of, and the services that do their work. Files, terminal and services live as
 * long as the machine; wires and loops are new at each power-on.
 */
import { describeError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import type { BlockOption } from '../devices/block/options.ts';
import { RawFile } from '../devices/block/raw-file.ts';
import { SECTOR } from '../devices/block/registers.ts';
import { type ConfigOf, type DeviceConfig, type DeviceKind, modelFor } from '../devices/catalog.ts';
import type { ConsoleBackend } from '../devices/console/backend.ts';
import { ConsoleRouter } from '../devices/console/router.ts';
import { hostEntropy } from '../devices/rng/backend.ts';
import { openDrive } from '../devices/scsi/open-drive.ts';
import { type Backends, serviceFor } from '../devices/services.ts';
import type { DeviceModel, DeviceService } from '../virtio/device.ts';
import type { MachineConfig } from './config.ts';
import { SerialPort } from './serial-port.ts';

/** A device with what it needs of the host. */
type Part = { [K in DeviceKind]: { readonly config: ConfigOf<K>; readonly backend: Backends[K] } }[DeviceKind];

export class Devices {
  /** In slot order: the console first, always; then disks, CD-ROM drives, and the entropy source. */
  readonly configs: readonly DeviceConfig[];
  /** Register sides that know sizes and features but have no registers. */
  readonly models: readonly DeviceModel[];
  readonly serial: SerialPort;
  readonly #parts: readonly Part[];
  readonly #router: ConsoleRouter;
  #services: DeviceService[] | undefined;

  private constructor(parts: readonly Part[], router: ConsoleRouter, terminal: ConsoleBackend) {
    this.#parts = parts;
    this.#router = router;
    this.serial = new SerialPort(router, terminal);
    this.configs = parts.map(part => part.config);
    this.models = this.configs.map(config => modelFor(config));
  }

  /** Opens and locks every file. Throws UsageError or HostError, with nothing left open. */
  static async open(config: MachineConfig, terminal: ConsoleBackend): Promise<Devices> {
    const router = new ConsoleRouter(terminal);
    const { columns, rows } = terminal.size();
    const parts: Part[] = [{ config: { kind: 'console', name: 'console0', columns, rows }, backend: router.console }];
    try {
      for (const [n, option] of config.blocks.entries()) parts.push(await openBlock(`block${n}`, option));
      for (const [n, option] of config.cdroms.entries()) parts.push(await openDrive(`cdrom${n}`, option));
      if (config.rng) parts.push({ config: { kind: 'rng', name: 'rng0' }, backend: hostEntropy });
      return new Devices(parts, router, terminal);
    } catch (error) {
      router.close();
      await closeDisks(parts);
      throw error;
    }
  }

  /**
   * The services, in slot order. `models` are those of the first board; later boards are built over the same bytes, so the services
   * stay.
   */
  services(models: readonly DeviceModel[]): readonly DeviceService[] {
    this.#services ??= this.#parts.map(({ config, backend }, i) => serviceFor(config, models[i]! as never, backend));
    return this.#services;
  }

  /** Makes everything durable and lets go of it. */
  async close(): Promise<void> {
    this.#router.close();
    for (const [i, service] of (this.#services ?? []).entries()) {
      // One device that cannot be closed well is no reason to leave the next.
      await guarded(this.configs[i]!.name, async () => service.settle?.());
      await guarded(this.configs[i]!.name, async () => service.close?.());
    }
    if (!this.#services) await closeDisks(this.#parts);
  }
}

/** Of parts that no service looks after. */
async function closeDisks(parts: readonly Part[]): Promise<void> {
  for (const { config, backend } of parts) if ('close' in backend) await guarded(config.name, () => backend.close());
}

async function guarded(name: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    log.warn(`${name}: closing it failed: ${describeError(error)}`);
  }
}

async function openBlock(name: string, option: BlockOption): Promise<Part> {
  const backend = await RawFile.open(option.file, option.readOnly);
  const config: ConfigOf<'block'> = {
    kind: 'block',
    name,
    sectors: backend.size / SECTOR,
    readOnly: option.readOnly,
    serial: option.serial ?? name,
    ...(option.queueSize === undefined ? {} : { queueSize: option.queueSize }),
  };
  return { config, backend };
}
