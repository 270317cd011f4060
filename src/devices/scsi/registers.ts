/**
 * What a driver sees of a CD-ROM drive before it sends a command: a virtio SCSI host adapter (virtio 1.2, 5.6) with one drive,
 * target 0, logical unit 0. Three queues: control, events, and one for commands.
 */
import { struct, u16, u32 } from '../../base/struct.ts';
import type { DeviceModel } from '../../virtio/device.ts';

/** Serialisable description of a CD-ROM drive. */
export interface CdromConfig {
  readonly kind: 'cdrom';
  /** Unique in a machine, for example `cdrom0`. */
  readonly name: string;
  /** What INQUIRY tells as the drive's serial number, at most 20 bytes of ASCII. */
  readonly serial: string;
}

/** Bytes of a block on the medium. */
export const BLOCK = 2048;

/** Virtqueues, 5.6.2; from `request` on they take commands. */
export const QUEUE = { control: 0, event: 1, request: 2 } as const;

/** `struct virtio_scsi_config`, 5.6.4. */
export const SCSI_CONFIG = struct(36, {
  numQueues: u32(0),
  segMax: u32(4),
  maxSectors: u32(8),
  cmdPerLun: u32(12),
  eventInfoSize: u32(16),
  senseSize: u32(20),
  cdbSize: u32(24),
  maxChannel: u16(28),
  maxTarget: u16(30),
  maxLun: u32(32),
});

/** Sizes of two fields that the driver may choose, in bytes; what it finds after a reset (5.6.4.2). */
export interface FieldSizes {
  readonly sense: number;
  readonly cdb: number;
}
export const FIRST_SIZES: FieldSizes = { sense: 96, cdb: 32 };

/** No driver has a use for more: the longest fixed CDB has 16 bytes, the longest sense data 252 (SPC-4, 4.5). */
const MOST_CDB = 260;
const MOST_SENSE = 4096;

const DEVICE_ID = 8;
/** Mass storage, SCSI. */
const PCI_CLASS_SCSI = 0x01_0000;
const CONTROL_QUEUE_SIZE = 64;
const REQUEST_QUEUE_SIZE = 256;
/** In 512-byte units: 32 MiB less one. */
const MAX_SECTORS = 0xffff;
const COMMANDS_PER_UNIT = 128;
const EVENT_INFO_SIZE = 16;

export function cdromModel(config: CdromConfig): DeviceModel {
  const { value, bytes } = SCSI_CONFIG.create();
  value.numQueues = 1;
  // A request also needs a descriptor for each of its headers, and no chain may be longer than the queue (2.7.5.3.1).
  value.segMax = REQUEST_QUEUE_SIZE - 2;
  value.maxSectors = MAX_SECTORS;
  value.cmdPerLun = COMMANDS_PER_UNIT;
  value.eventInfoSize = EVENT_INFO_SIZE;
  value.senseSize = FIRST_SIZES.sense;
  value.cdbSize = FIRST_SIZES.cdb;
  // There is no target 1, but OpenBSD takes this for the number of targets, not for the last one.
  value.maxTarget = 1;
  value.maxLun = 0;
  return {
    name: config.name,
    deviceId: DEVICE_ID,
    pciClass: PCI_CLASS_SCSI,
    features: 0n,
    queueSizes: [CONTROL_QUEUE_SIZE, CONTROL_QUEUE_SIZE, REQUEST_QUEUE_SIZE],
    config: bytes,
    writableConfig: [
      { name: 'sense_size', offset: 20, width: 4 },
      { name: 'cdb_size', offset: 24, width: 4 },
    ],
  };
}

/** What the driver chose. */
export function fieldSizes(config: Uint8Array): FieldSizes {
  const { senseSize, cdbSize } = SCSI_CONFIG.over(config);
  return { sense: senseSize, cdb: cdbSize };
}

/** Why nothing can be done with these sizes, if so. */
export function wrongSizes({ sense, cdb }: FieldSizes): string | undefined {
  if (cdb > MOST_CDB) return `cdb_size is ${cdb}, more than ${MOST_CDB}`;
  if (sense > MOST_SENSE) return `sense_size is ${sense}, more than ${MOST_SENSE}`;
  return undefined;
}
