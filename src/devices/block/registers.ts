/**
 * The block device's registers (virtio 1.2, 5.2.3 and 5.2.4): which features it offers and what its configuration space says
 * about the image. Everything follows from one serialisable configuration, so each thread comes to the same bytes.
 */
import { MiB } from '../../base/bits.ts';
import { struct, u8, u16, u32, u64 } from '../../base/struct.ts';
import type { DeviceModel, WritableConfigField } from '../../virtio/device.ts';

/** The unit of every address in the protocol, whatever the block size (5.2.4). */
export const SECTOR = 512;

/** Serialisable description of a block device. */
export interface BlockConfig {
  readonly kind: 'block';
  /** Unique in a machine, for example `block0`. */
  readonly name: string;
  /** Capacity in sectors of 512 bytes. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** What GET_ID answers, at most 20 bytes of ASCII. */
  readonly serial: string;
  /** Logical block size in bytes, a power of two from 512; 512 unless given. */
  readonly blockSize?: number;
  /** Physical block size in bytes, a power of two multiple of the logical one; 4096 unless given. */
  readonly physicalBlockSize?: number;
  /** Request queues; 1 unless given. */
  readonly queues?: number;
  /** Greatest size of a request queue, a power of two; 256 unless given. */
  readonly queueSize?: number;
  /** Writes are always durable before they are acknowledged: the device has no cache that a driver could flush or switch. */
  readonly writeThrough?: boolean;
  /** What the guest discards can be given back, in units of this many bytes; absent where it is kept. */
  readonly discardUnit?: number;
}

/** Feature bits, 5.2.3. */
export const F = {
  SIZE_MAX: 1n << 1n,
  SEG_MAX: 1n << 2n,
  RO: 1n << 5n,
  BLK_SIZE: 1n << 6n,
  FLUSH: 1n << 9n,
  TOPOLOGY: 1n << 10n,
  CONFIG_WCE: 1n << 11n,
  MQ: 1n << 12n,
  DISCARD: 1n << 13n,
  WRITE_ZEROES: 1n << 14n,
} as const;

/** Most bytes of a segment: what one system call moves (file-io.ts). */
const SIZE_MAX = 4 * MiB;
/** Most ranges that one discard or write-zeroes request may name, and most sectors in each: 2 GiB. */
export const MAX_RANGES = 64;
export const MAX_RANGE_SECTORS = 1 << 22;

/** `struct virtio_blk_config`, 5.2.4, up to the write-zeroes fields. */
export const BLOCK_CONFIG = struct(60, {
  capacity: u64(0),
  sizeMax: u32(8),
  segMax: u32(12),
  cylinders: u16(16),
  heads: u8(18),
  sectors: u8(19),
  blkSize: u32(20),
  physicalBlockExp: u8(24),
  alignmentOffset: u8(25),
  minIoSize: u16(26),
  optIoSize: u32(28),
  writeback: u8(32),
  numQueues: u16(34),
  maxDiscardSectors: u32(36),
  maxDiscardSeg: u32(40),
  discardSectorAlignment: u32(44),
  maxWriteZeroesSectors: u32(48),
  maxWriteZeroesSeg: u32(52),
  writeZeroesMayUnmap: u8(56),
});

const DEVICE_ID = 2;
/** Mass storage, other. */
const PCI_CLASS_STORAGE = 0x01_8000;
const QUEUE_SIZE = 256;

export function blockModel(config: BlockConfig): DeviceModel {
  const queueSize = config.queueSize ?? QUEUE_SIZE;
  const queues = config.queues ?? 1;
  return {
    name: config.name,
    deviceId: DEVICE_ID,
    pciClass: PCI_CLASS_STORAGE,
    features: featuresOf(config),
    queueSizes: Array.from({ length: queues }, () => queueSize),
    config: configurationOf(config, queueSize, queues),
    writableConfig: [
      // 0 is write-through, 1 write-back; other values mean nothing and are ignored (5.2.5).
      ...(config.writeThrough ? [] : [WRITEBACK]),
    ],
  };
}

const WRITEBACK: WritableConfigField = {
  name: 'writeback',
  offset: 32,
  width: 1,
  write: value => (value <= 1 ? value : undefined),
};

/** A device that offers CONFIG_WCE offers FLUSH too (5.2.5.2); one without a cache offers neither. */
function featuresOf({ readOnly, writeThrough, queues = 1, discardUnit }: BlockConfig): bigint {
  return [
    F.SIZE_MAX | F.SEG_MAX | F.BLK_SIZE | F.TOPOLOGY,
    writeThrough ? 0n : F.FLUSH | F.CONFIG_WCE,
    queues > 1 ? F.MQ : 0n,
    readOnly ? F.RO : F.WRITE_ZEROES,
    readOnly || discardUnit === undefined ? 0n : F.DISCARD,
  ].reduce((all, some) => all | some);
}

/** Fields whose feature is not offered stay 0, but for those that say what holds without it. */
function configurationOf(config: BlockConfig, queueSize: number, queues: number): Uint8Array {
  const blockSize = config.blockSize ?? SECTOR;
  const physical = Math.max(config.physicalBlockSize ?? 4096, blockSize);
  const { value, bytes } = BLOCK_CONFIG.create();
  value.capacity = BigInt(config.sectors);
  value.sizeMax = SIZE_MAX;
  // A request also needs a header and a status descriptor, and no chain may be longer than the queue (2.7.5.3.1).
  value.segMax = queueSize - 2;
  value.blkSize = blockSize;
  value.physicalBlockExp = Math.log2(physical / blockSize);
  value.minIoSize = physical / blockSize;
  value.writeback = config.writeThrough ? 0 : 1;
  value.numQueues = queues;
  if (config.readOnly) return bytes;
  value.maxWriteZeroesSectors = MAX_RANGE_SECTORS;
  value.maxWriteZeroesSeg = MAX_RANGES;
  if (config.discardUnit === undefined) return bytes;
  value.writeZeroesMayUnmap = 1;
  value.maxDiscardSectors = MAX_RANGE_SECTORS;
  value.maxDiscardSeg = MAX_RANGES;
  value.discardSectorAlignment = Math.max(config.discardUnit, blockSize) / SECTOR;
  return bytes;
}

/**
 * Whether a write may be acknowledged before it is durable (5.2.5.2, 5.2.6.2): what the driver set if it can set it, and
 * otherwise whether it knows how to flush.
 */
export function isWriteBack(features: bigint, config: () => Uint8Array): boolean {
  if ((features & F.CONFIG_WCE) !== 0n) return BLOCK_CONFIG.over(config()).writeback === 1;
  return (features & F.FLUSH) !== 0n;
}
