/**
 * The common configuration structure (virtio 1.2, 4.1.4.3) as a table: the reads, the writes, and the names in traces all come
 * from here. A row without `write` is read-only; one without `read` reads the bytes at its own place in the state. A write
 * returns what is stored, or undefined for nothing. All of it runs with the device's lock held.
 *
 * The driver must access a field with its own width (4.1.3.1). Here other writes are ignored, and other reads are put together
 * from bytes, as there is no harm in looking. Where no register is, reads give 0.
 */
import { readLe, type Width, writeLe } from '../base/bits.ts';
import type { DriverWrites } from './driver-writes.ts';
import { QUEUE_BANK, queueAt } from './state.ts';

export interface CommonRegister {
  readonly name: string;
  readonly offset: number;
  readonly width: Width;
  readonly read?: (device: DriverWrites) => number;
  /** `queue` is the selected one, which exists; meaningless in registers of the device. */
  readonly write?: (device: DriverWrites, value: number, queue: number) => number | undefined;
}

const stored = (_: DriverWrites, value: number): number => value;
/** Queue addresses change only while the queue is off. */
const address = (device: DriverWrites, value: number, queue: number): number | undefined =>
  device.queueFrozen(queue) ? undefined : value;

export const COMMON_REGISTERS: readonly CommonRegister[] = [
  { name: 'device_feature_select', offset: 0x00, width: 4, write: stored },
  { name: 'device_feature', offset: 0x04, width: 4, read: d => d.offeredWord() },
  { name: 'driver_feature_select', offset: 0x08, width: 4, write: stored },
  { name: 'driver_feature', offset: 0x0c, width: 4, read: d => d.acceptedWord(), write: (d, v) => d.acceptWord(v) },
  { name: 'config_msix_vector', offset: 0x10, width: 2, write: (d, v) => d.vector(v) },
  { name: 'num_queues', offset: 0x12, width: 2 },
  { name: 'device_status', offset: 0x14, width: 1, write: (d, v) => d.status(v) },
  { name: 'config_generation', offset: 0x15, width: 1 },
  { name: 'queue_select', offset: 0x16, width: 2, write: stored },
  { name: 'queue_size', offset: 0x18, width: 2, write: (d, v, q) => d.queueSize(q, v) },
  { name: 'queue_msix_vector', offset: 0x1a, width: 2, write: (d, v) => d.vector(v) },
  { name: 'queue_enable', offset: 0x1c, width: 2, write: (d, v, q) => d.queueEnable(q, v) },
  { name: 'queue_notify_off', offset: 0x1e, width: 2 },
  { name: 'queue_desc', offset: 0x20, width: 4, write: address },
  { name: 'queue_desc_high', offset: 0x24, width: 4, write: address },
  { name: 'queue_driver', offset: 0x28, width: 4, write: address },
  { name: 'queue_driver_high', offset: 0x2c, width: 4, write: address },
  { name: 'queue_device', offset: 0x30, width: 4, write: address },
  { name: 'queue_device_high', offset: 0x34, width: 4, write: address },
  { name: 'queue_notify_data', offset: 0x38, width: 2 },
  { name: 'queue_reset', offset: 0x3a, width: 2, write: (d, v, q) => d.queueReset(q, v) },
];
/** Size in bytes; the administration queue's registers, which would follow, are not offered. */
export const COMMON_SIZE = 0x3c;

/** The register that owns each byte. */
const OWNER: readonly CommonRegister[] = Array.from(
  { length: COMMON_SIZE },
  (_, at) => COMMON_REGISTERS.find(r => at >= r.offset && at < r.offset + r.width)!,
);

export function commonName(offset: number): string | undefined {
  const row = OWNER[offset];
  return row && (row.offset === offset ? row.name : `${row.name}[${offset - row.offset}]`);
}

export function readCommon(device: DriverWrites, offset: number, width: Width): number {
  const row = OWNER[offset];
  if (row?.offset === offset && row.width === width) return value(device, row);
  let whole = 0;
  for (let i = width - 1; i >= 0; i--) whole = whole * 256 + byteAt(device, offset + i);
  return whole;
}

/** Returns false when the write was ignored because no register takes it. */
export function writeCommon(device: DriverWrites, offset: number, width: Width, written: number): boolean {
  const row = OWNER[offset];
  if (row?.write === undefined || row.offset !== offset || row.width !== width) return false;
  const at = place(device, row);
  if (at === undefined) return false;
  const store = row.write(device, written, device.selectedQueue);
  if (store !== undefined) writeLe(device.state.slice.bytes, at, width, store);
  return true;
}

function byteAt(device: DriverWrites, offset: number): number {
  const row = OWNER[offset];
  return row === undefined ? 0 : (value(device, row) >>> (8 * (offset - row.offset))) & 0xff;
}

function value(device: DriverWrites, row: CommonRegister): number {
  if (row.read) return row.read(device);
  const at = place(device, row);
  // Registers of a queue that does not exist read 0; so queue_size tells the driver that there is none (4.1.4.3.1).
  return at === undefined ? 0 : readLe(device.state.slice.bytes, at, row.width);
}

/** Where in the state a register's bytes are; undefined for a queue that does not exist. */
function place(device: DriverWrites, row: CommonRegister): number | undefined {
  if (row.offset < QUEUE_BANK) return row.offset;
  const queue = device.selectedQueue;
  if (queue >= device.state.queues.length) return undefined;
  return queueAt(queue) + row.offset - QUEUE_BANK;
}
