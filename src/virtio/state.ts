/**
 * Everything a virtio function remembers, in its slice of the register file: plain bytes that any thread reads and a snapshot
 * copies. The first 0x18 bytes are the common configuration structure of virtio 1.2, 4.1.4.3, as it stands in the BAR; the
 * rest of that structure exists once for each queue, as the driver sees it after writing queue_select. Behind both lies what
 * has no register. Guarded by the slice's lock.
 */
import { alignUp } from '../base/bits.ts';
import { type StructOf, struct, u8, u16, u32, u64 } from '../base/struct.ts';
import type { RegisterFile, Slice } from '../state/register-file.ts';
import type { DeviceModel } from './device.ts';
import { MAX_CONFIG_BYTES, MAX_QUEUES, NO_VECTOR } from './layout.ts';
import { MAX_QUEUE_SIZE, type RingLayout } from './ring.ts';
import { CURSOR_FIELDS, type QueueCursor } from './used-ring.ts';

/** Where the common configuration's queue registers begin. */
export const QUEUE_BANK = 0x18;

export const DEVICE_STATE = struct(0x40, {
  deviceFeatureSelect: u32(0x00),
  driverFeatureSelect: u32(0x08),
  configVector: u16(0x10),
  numQueues: u16(0x12),
  status: u8(0x14),
  configGeneration: u8(0x15),
  queueSelect: u16(0x16),
  /** What the driver accepted, masked by what is offered. */
  driverFeatures: u64(0x18),
  isr: u8(0x20),
  /** The driver asked for a reset that main has not finished. */
  resetPending: u8(0x21),
  /** A driver-writable configuration field changed and main has not seen it. */
  configWritten: u8(0x22),
  /** The driver has read of the configuration space since it last changed. */
  configSeen: u8(0x23),
});

/** Offsets count from {@link QUEUE_BANK}. */
export const QUEUE_STATE = struct(0x40, {
  size: u16(0x00),
  vector: u16(0x02),
  enable: u16(0x04),
  notifyOff: u16(0x06),
  desc: u64(0x08),
  driver: u64(0x10),
  device: u64(0x18),
  notifyData: u16(0x20),
  /** 1 from the driver's request until main has parked the queue's loop. */
  reset: u16(0x22),
});
/** Where in a queue's state its cursor lies. */
const CURSOR_OFFSET = 0x24;

export class TransportState {
  readonly slice: Slice;
  readonly device: StructOf<typeof DEVICE_STATE.fields>;
  readonly queues: readonly StructOf<typeof QUEUE_STATE.fields>[];
  /** Device configuration space. */
  readonly config: Uint8Array;
  readonly #model: DeviceModel;

  /** Takes the slice `virtio-NAME`. Throws RangeError for a model that does not fit the transport. */
  constructor(registers: RegisterFile, model: DeviceModel) {
    check(model);
    const configAt = DEVICE_STATE.size + QUEUE_STATE.size * model.queueSizes.length;
    this.slice = registers.slice(`virtio-${model.name}`, alignUp(configAt + model.config.length, 4));
    this.device = DEVICE_STATE.over(this.slice.bytes);
    this.queues = model.queueSizes.map((_, i) => QUEUE_STATE.over(this.slice.bytes, queueAt(i)));
    this.config = this.slice.bytes.subarray(configAt, configAt + model.config.length);
    this.#model = model;
  }

  /** The state that a machine starts with. */
  powerOn(): void {
    this.slice.bytes.fill(0);
    this.config.set(this.#model.config);
    this.reset();
  }

  /**
   * The state after a device reset (2.4.1, 4.1.4.3.1): all registers as at the start. The configuration generation goes on, and
   * of the configuration space only what the driver can write returns to its first value, which counts as written.
   */
  reset(): void {
    const { configGeneration, configWritten } = this.device;
    this.slice.bytes.fill(0, 0, DEVICE_STATE.size);
    this.device.configGeneration = configGeneration;
    this.device.configWritten = configWritten;
    this.device.configVector = NO_VECTOR;
    this.device.numQueues = this.queues.length;
    for (let i = 0; i < this.queues.length; i++) this.resetQueue(i);
    for (const { offset, width } of this.#model.writableConfig) {
      const first = this.#model.config.subarray(offset, offset + width);
      if (first.every((byte, i) => byte === this.config[offset + i])) continue;
      this.config.set(first, offset);
      this.device.configWritten = 1;
    }
  }

  /** The state of one queue after its reset (2.6.1), cursor included. */
  resetQueue(index: number): void {
    const queue = this.queues[index]!;
    this.slice.bytes.fill(0, queueAt(index), queueAt(index + 1));
    queue.size = this.#model.queueSizes[index]!;
    queue.vector = NO_VECTOR;
    queue.notifyOff = index;
    queue.notifyData = index;
  }

  cursor(index: number): QueueCursor {
    const { buffer, byteOffset } = this.slice.bytes;
    return new Uint16Array(buffer, byteOffset + queueAt(index) + CURSOR_OFFSET, CURSOR_FIELDS);
  }

  /** Where the driver says that a queue's rings are; addresses beyond 2^53 lose precision, and are not RAM. */
  layout(index: number): RingLayout {
    const { size, desc, driver, device } = this.queues[index]!;
    return { size, desc: Number(desc), avail: Number(driver), used: Number(device) };
  }
}

/** Start of a queue's state in the slice. */
export function queueAt(index: number): number {
  return DEVICE_STATE.size + index * QUEUE_STATE.size;
}

function check(model: DeviceModel): void {
  const { name, queueSizes, config } = model;
  if (queueSizes.length > MAX_QUEUES) throw new RangeError(`${name} has more than ${MAX_QUEUES} queues`);
  for (const size of queueSizes) {
    if (!Number.isInteger(Math.log2(size)) || size > MAX_QUEUE_SIZE) {
      throw new RangeError(`${name}: a queue's size is a power of two up to ${MAX_QUEUE_SIZE}, not ${size}`);
    }
  }
  if (config.length > MAX_CONFIG_BYTES) throw new RangeError(`${name}: configuration space is too long`);
}
