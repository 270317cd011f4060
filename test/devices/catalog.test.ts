import { describe, expect, it } from 'vitest';
import type { DeviceConfig } from '../../src/devices/catalog.ts';
import { modelFor } from '../../src/devices/catalog.ts';
import { hostEntropy } from '../../src/devices/rng/backend.ts';
import { serviceFor } from '../../src/devices/services.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { MockDriver } from '../support/mock-driver.ts';
import { MemoryDisk } from './block/memory-disk.ts';
import { header } from './block/support.ts';
import { MemoryConsole, portOf } from './console/support.ts';
import { command, MemoryMedium, RESPONSE_SIZE, responseOf } from './scsi/support.ts';

const console0 = { kind: 'console', name: 'console0', columns: 80, rows: 24 } as const;
const block0 = { kind: 'block', name: 'block0', sectors: 8, readOnly: false, serial: 'x' } as const;
const cdrom0 = { kind: 'cdrom', name: 'cdrom0', serial: 'x' } as const;
const rng0 = { kind: 'rng', name: 'rng0' } as const;
const configs: readonly DeviceConfig[] = [console0, block0, cdrom0, rng0];

describe('the catalogue', () => {
  it('makes the same registers of one configuration on every thread', () => {
    const buffer = new SharedArrayBuffer(1 << 16);
    const boards = [1, 2].map(() => {
      const registers = new RegisterFile(buffer);
      return configs.map(config => modelFor(structuredClone(config), registers));
    });
    const plain = (models: readonly object[]) =>
      models.map(model => JSON.stringify(model, (_, v) => (typeof v === 'bigint' ? `${v}` : v)));
    expect(plain(boards[0]!)).toEqual(plain(boards[1]!));
    expect(boards[0]!.map(model => [model.name, model.deviceId])).toEqual([
      ['console0', 3],
      ['block0', 2],
      ['cdrom0', 8],
      ['rng0', 4],
    ]);
  });

  it('shares emergency bytes between threads', () => {
    const buffer = new SharedArrayBuffer(1 << 16);
    const [vcpu, main] = [1, 2].map(() => modelFor<'console'>(console0, new RegisterFile(buffer)));
    vcpu!.writableConfig[0]!.write!(0x21, vcpu!.config);
    expect(main!.emergency!.drain()).toEqual(Uint8Array.of(0x21));
  });

  it('joins each device with what it needs of the host', async () => {
    const screen = new MemoryConsole();
    const models = {
      console: modelFor<'console'>(console0),
      block: modelFor<'block'>(block0),
      cdrom: modelFor<'cdrom'>(cdrom0),
      rng: modelFor<'rng'>(rng0),
    };
    const drivers = [
      await MockDriver.start(models.console, serviceFor<'console'>(console0, models.console, portOf(screen))),
      await MockDriver.start(models.block, serviceFor<'block'>(block0, models.block, new MemoryDisk(4096))),
      await MockDriver.start(models.cdrom, serviceFor<'cdrom'>(cdrom0, models.cdrom, new MemoryMedium(4))),
      await MockDriver.start(models.rng, serviceFor<'rng'>(rng0, models.rng, hostEntropy)),
    ] as const;
    await drivers[0].queue(1).submit([Buffer.from('hi')]);
    const id = await drivers[1].queue(0).submit([header(8)], [20, 1]);
    const attention = await drivers[2].queue(2).submit([command([0])], [RESPONSE_SIZE]);
    const entropy = await drivers[3].queue(0).submit([], [16]);
    for (const driver of drivers) await driver.stop();
    expect(screen.output.toString()).toBe('hi');
    expect(id.buffers[0]![0]).toBe('x'.charCodeAt(0));
    expect(responseOf(attention).sense).toBe('06/29/00');
    expect(entropy.written).toBe(16);
  });
});
