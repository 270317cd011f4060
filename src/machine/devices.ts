/**
 * The devices as main has them: what they are made of, and the services that do their work. Files, terminal and services live as
 * long as the machine; wires and loops are new at each power-on.
 */
import { describeError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { openDisk } from '../devices/block/open-disk.ts';
import { type ConfigOf, type DeviceConfig, type DeviceKind, modelFor } from '../devices/catalog.ts';
import type { ConsoleBackend } from '../devices/console/backend.ts';
import { ConsoleRouter } from '../devices/console/router.ts';
import { hostEntropy } from '../devices/rng/backend.ts';
import { openDrive } from '../devices/scsi/open-drive.ts';
import { type Backends, serviceFor } from '../devices/services.ts';
import type { DeviceModel, DeviceService } from '../virtio/device.ts';
import type { MachineConfig } from './config.ts';
import { Networks } from './networks.ts';
import { SerialPort } from './serial-port.ts';

/** A device with what it needs of the host. */
type Part = { [K in DeviceKind]: { readonly config: ConfigOf<K>; readonly backend: Backends[K] } }[DeviceKind];

export class Devices {
  /** In slot order: the console first, always; then disks, CD-ROM drives, network devices, and the entropy source. */
  readonly configs: readonly DeviceConfig[];
  /** Register sides that know sizes and features but have no registers. */
  readonly models: readonly DeviceModel[];
  readonly serial: SerialPort;
  readonly #parts: readonly Part[];
  readonly #router: ConsoleRouter;
  readonly #networks: Networks;
  #services: DeviceService[] | undefined;

  private constructor(parts: readonly Part[], router: ConsoleRouter, networks: Networks) {
    this.#parts = parts;
    this.#networks = networks;
    this.#router = router;
    this.serial = new SerialPort(router);
    this.configs = parts.map(part => part.config);
    this.models = this.configs.map(config => modelFor(config));
  }

  /** Opens and locks every file. Throws UsageError or HostError, with nothing left open. */
  static async open(config: MachineConfig, terminal: ConsoleBackend): Promise<Devices> {
    const router = new ConsoleRouter(terminal);
    const networks = new Networks(config);
    const { columns, rows } = terminal.size();
    const parts: Part[] = [{ config: { kind: 'console', name: 'console0', columns, rows }, backend: router.console }];
    try {
      for (const [n, option] of config.blocks.entries()) parts.push(await openDisk(`block${n}`, option));
      for (const [n, option] of config.cdroms.entries()) parts.push(await openDrive(`cdrom${n}`, option));
      for (const [n, option] of config.networks.entries()) parts.push(await networks.open(`net${n}`, option));
      if (config.rng) parts.push({ config: { kind: 'rng', name: 'rng0' }, backend: hostEntropy });
      return new Devices(parts, router, networks);
    } catch (error) {
      router.close();
      await release(parts);
      await networks.close();
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

  /** What each device counts, by its name; the services must be there. */
  counters(): Map<string, Readonly<Record<string, number>>> {
    const rows = (this.#services ?? []).map((service, i) => [this.configs[i]!.name, service.counters?.()] as const);
    return new Map(rows.filter(row => row[1] !== undefined) as [string, Readonly<Record<string, number>>][]);
  }

  /** Makes everything durable and lets go of it. */
  async close(): Promise<void> {
    this.#router.close();
    for (const [i, service] of (this.#services ?? []).entries()) {
      // One device that cannot be closed well is no reason to leave the next.
      await guarded(this.configs[i]!.name, async () => service.settle?.());
      await guarded(this.configs[i]!.name, async () => service.close?.());
    }
    if (!this.#services) await release(this.#parts);
    await this.#networks.close();
  }
}

/** Lets go of what parts have open that no service looks after. */
async function release(parts: readonly Part[]): Promise<void> {
  for (const { config, backend } of parts) {
    if ('wire' in backend) backend.wire.close();
    if ('close' in backend) await guarded(config.name, () => backend.close());
  }
}

async function guarded(name: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    log.warn(`${name}: closing it failed: ${describeError(error)}`);
  }
}
