/**
 * The registers behind BAR0 as a bus sees them: finds the structure that an offset belongs to, takes the device's lock where
 * the structure has state, and lets the tables do the rest. What a driver gets wrong is ignored, with a line of narration.
 */
import { hex, readLe, type Width, writeLe } from '../base/bits.ts';
import { log } from '../base/log.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { Bell } from '../bus/triggers.ts';
import { COMMON_SIZE, commonName, readCommon, writeCommon } from './common-config.ts';
import type { DeviceModel, WritableConfigField } from './device.ts';
import type { DriverWrites } from './driver-writes.ts';
import type { Interrupts } from './interrupts.ts';
import { DEVICE_OFFSET, ISR_OFFSET, NOTIFY_MULTIPLIER, NOTIFY_OFFSET, NOTIFY_WIDTH, REGION_SIZE } from './layout.ts';

export interface TransportBarOptions {
  readonly model: DeviceModel;
  readonly driver: DriverWrites;
  readonly interrupts: Interrupts;
  readonly control: Bell;
  readonly doorbells: readonly Bell[];
}

/** One structure in the BAR; offsets count from its start. */
interface Structure {
  readonly offset: number;
  read(offset: number, width: Width): number;
  /** False when nothing took the write. */
  write(offset: number, width: Width, value: number): boolean;
  nameAt(offset: number): string | undefined;
}

export class TransportBar implements RegisterBlock {
  readonly name: string;
  readonly #structures: readonly Structure[];

  constructor(options: TransportBarOptions) {
    this.name = options.model.name;
    this.#structures = [common(options), isr(options), deviceConfig(options), notify(options)];
  }

  read(offset: number, width: Width): number {
    const structure = this.#at(offset);
    return structure ? structure.read(offset - structure.offset, width) : 0;
  }

  write(offset: number, width: Width, value: number): void {
    const structure = this.#at(offset);
    if (structure?.write(offset - structure.offset, width, value)) return;
    const register = this.registerName(offset) ?? hex(offset);
    log.narrate(this.name, `ignored a write of ${width} bytes, ${hex(value)}, to ${register}`);
  }

  registerName(offset: number): string | undefined {
    const structure = this.#at(offset);
    return structure?.nameAt(offset - structure.offset);
  }

  #at(offset: number): Structure | undefined {
    return this.#structures.find(s => offset >= s.offset && offset < s.offset + REGION_SIZE);
  }
}

function common({ driver }: TransportBarOptions): Structure {
  const { lock } = driver.state.slice;
  return {
    offset: 0,
    read: (offset, width) => (offset < COMMON_SIZE ? lock.with(() => readCommon(driver, offset, width)) : 0),
    write: (offset, width, value) => lock.with(() => writeCommon(driver, offset, width, value)),
    nameAt: commonName,
  };
}

/** One byte that a read clears. */
function isr({ driver, interrupts }: TransportBarOptions): Structure {
  return {
    offset: ISR_OFFSET,
    read: offset => {
      if (offset !== 0) return 0;
      return driver.state.slice.lock.with(() => interrupts.acknowledge());
    },
    write: () => false,
    nameAt: offset => (offset === 0 ? 'isr_status' : undefined),
  };
}

/** Readable at any time (2.5.2), with any width; writable where the device has a writable field of just that width. */
function deviceConfig({ driver, model, control }: TransportBarOptions): Structure {
  const { config, device, slice } = driver.state;
  const fieldAt = (offset: number): WritableConfigField | undefined =>
    model.writableConfig.find(f => offset >= f.offset && offset < f.offset + f.width);
  const write = (field: WritableConfigField, value: number): void => {
    const store = field.write ? field.write(value, config) : value;
    if (store !== undefined) writeLe(config, field.offset, field.width, store);
    device.configWritten = 1;
    control.ring();
  };
  const read = (offset: number, width: Width): number => {
    device.configSeen = 1;
    return readLe(config, offset, width);
  };
  return {
    offset: DEVICE_OFFSET,
    read: (offset, width) => slice.lock.with(() => read(offset, width)),
    write: (offset, width, value) => {
      const field = fieldAt(offset);
      if (field?.offset !== offset || field.width !== width || device.resetPending) return false;
      slice.lock.with(() => write(field, value));
      return true;
    },
    nameAt: offset => {
      if (offset >= config.length) return undefined;
      return `config.${fieldAt(offset)?.name ?? hex(offset)}`;
    },
  };
}

/** A kick for each queue at its own address; its value is the queue's index once more (4.1.5.2). Takes no lock. */
function notify({ doorbells }: TransportBarOptions): Structure {
  return {
    offset: NOTIFY_OFFSET,
    read: () => 0,
    write: (offset, width) => {
      const bell = doorbells[offset / NOTIFY_MULTIPLIER];
      if (bell === undefined || width !== NOTIFY_WIDTH) return false;
      bell.ring();
      return true;
    },
    nameAt: offset => {
      const index = offset / NOTIFY_MULTIPLIER;
      return index < doorbells.length && Number.isInteger(index) ? `notify${index}` : undefined;
    },
  };
}
