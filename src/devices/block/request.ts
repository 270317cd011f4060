/**
 * A block request as bytes (virtio 1.2, 5.2.6): a 16-byte header, data, one status byte. The driver may cut it into descriptors
 * as it likes (2.7.4), so header and status are found by counting bytes. Parsing is pure: it decides what a request is and
 * whether it may run, and touches neither file nor status.
 */
import { readLe } from '../../base/bits.ts';
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';
import { gatherScattered, scatteredLength, sliceScattered } from '../scatter.ts';
import { type DiskRange, parseRanges } from './ranges.ts';
import { SECTOR } from './registers.ts';

/** `struct virtio_blk_req`: type, reserved, sector. */
const HEADER = 16;
/** Bytes of identity that GET_ID returns, padded with zeroes. */
export const ID_BYTES = 20;

/** Request types, 5.2.6. */
export const T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;
/** Values of the status byte. */
export const S = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

/** What the device is to do. `refuse` needs no action beyond its status. */
export type BlockAction =
  | { readonly kind: 'read' | 'write'; readonly offset: number; readonly data: readonly Uint8Array[] }
  | { readonly kind: 'discard' | 'zero'; readonly ranges: readonly DiskRange[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'identify'; readonly data: readonly Uint8Array[] }
  | { readonly kind: 'refuse'; readonly status: number };

export interface BlockRequest {
  readonly action: BlockAction;
  /** The one byte of guest memory that takes the result. */
  readonly status: Uint8Array;
  /** Device-writable bytes before the status byte. */
  readonly room: number;
}

/** What of a disk a request is checked against. */
export interface DiskLimits {
  /** Capacity in sectors. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Whether discards are offered. */
  readonly discards: boolean;
}

interface Parts {
  /** Exact up to 2^53; beyond that no disk reaches, so rounding does not matter. */
  readonly sector: number;
  /** Device-readable memory after the header, device-writable memory before the status byte. */
  readonly out: readonly Uint8Array[];
  readonly in: readonly Uint8Array[];
}

/** One row for each request type the device knows; others are unsupported. */
const ACTIONS: Readonly<Record<number, (parts: Parts, disk: DiskLimits) => BlockAction>> = {
  [T.IN]: (parts, disk) => transfer('read', parts.sector, parts.in, disk),
  // 5.2.6.2: writes to a read-only device fail whether or not the driver negotiated RO.
  [T.OUT]: (parts, disk) => (disk.readOnly ? IO_ERROR : transfer('write', parts.sector, parts.out, disk)),
  [T.FLUSH]: () => ({ kind: 'flush' }),
  [T.DISCARD]: (parts, disk) => (disk.discards ? ranged('discard', parts.out, disk) : UNSUPPORTED),
  [T.WRITE_ZEROES]: (parts, disk) => ranged('zero', parts.out, disk),
  [T.GET_ID]: parts => ({ kind: 'identify', data: parts.in }),
};

const IO_ERROR: BlockAction = { kind: 'refuse', status: S.IOERR };
const UNSUPPORTED: BlockAction = { kind: 'refuse', status: S.UNSUPP };

/** Throws DriverError for a chain without a whole header or without a status byte: there is nowhere to put an answer. */
export function parseBlockRequest(chain: Omit<Chain, 'head'>, disk: DiskLimits): BlockRequest {
  if (chain.readableLength < HEADER) throw new DriverError('a block request is shorter than its 16-byte header');
  if (chain.writableLength < 1) throw new DriverError('a block request has no room for its status byte');
  const room = chain.writableLength - 1;
  // Copied before it is looked at: the guest may change its own memory meanwhile.
  const header = new Uint8Array(HEADER);
  gatherScattered(chain.readable, header);
  const parts: Parts = {
    sector: readLe(header, 8, 4) + readLe(header, 12, 4) * 2 ** 32,
    out: sliceScattered(chain.readable, HEADER, chain.readableLength),
    in: sliceScattered(chain.writable, 0, room),
  };
  const action = ACTIONS[readLe(header, 0, 4)]?.(parts, disk) ?? UNSUPPORTED;
  return { action, status: sliceScattered(chain.writable, room, room + 1)[0]!, room };
}

/** A read or write that lies wholly on the disk; anything else is an I/O error, and the file never grows. */
function transfer(kind: 'read' | 'write', sector: number, data: readonly Uint8Array[], disk: DiskLimits): BlockAction {
  const length = scatteredLength(data);
  if (length % SECTOR !== 0) return IO_ERROR;
  if (sector + length / SECTOR > disk.sectors) return IO_ERROR;
  return { kind, offset: sector * SECTOR, data };
}

/** The unmap flag belongs to zeroes alone; a discard with it is refused as unknown (5.2.6.2). */
function ranged(kind: 'discard' | 'zero', data: readonly Uint8Array[], disk: DiskLimits): BlockAction {
  if (disk.readOnly) return IO_ERROR;
  const ranges = parseRanges(data, disk.sectors, kind === 'zero');
  if (ranges === 'unknown') return UNSUPPORTED;
  return ranges === 'wrong' ? IO_ERROR : { kind, ranges };
}
