/**
 * A SCSI command as virtio carries it (virtio 1.2, 5.6.6.1): a header with address and command block, the response's header with
 * room for sense data, and the data. The driver may cut all of it as it likes (2.7.4), so parts are found by counting bytes.
 * Parsing is pure; what the command means is in `commands.ts`.
 */
import { writeLe } from '../../base/bits.ts';
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';
import { fillScattered, gatherScattered, sliceScattered } from '../scatter.ts';
import type { FieldSizes } from './registers.ts';
import { encodeSense, SENSE_BYTES, type Sense } from './sense.ts';

/** lun[8], id, task_attr, prio, crn; the CDB follows. */
const HEADER = 19;
/** sense_len, residual, status_qualifier, status, response; the sense data follow. */
const RESPONSE_HEADER = 12;
/** Command blocks are looked at as if they had this many bytes, the longest there are. */
const CDB_BYTES = 16;

/** Values of `response`, 5.6.6.1 and 5.6.6.2. */
export const RESPONSE = {
  ok: 0,
  overrun: 1,
  badTarget: 3,
  failure: 9,
  functionSucceeded: 10,
  functionRejected: 11,
  incorrectLun: 12,
} as const;

/** Values of `status` (SAM-5, 5.3). */
const GOOD = 0;
const CHECK_CONDITION = 2;

/** What an address means here: the drive, a unit that its target lacks, or a target that does not exist. */
export type Addressed = 'drive' | 'no-unit' | 'no-target';

export interface ScsiRequest {
  readonly to: Addressed;
  /** What the driver calls it, for task management. */
  readonly id: bigint;
  /** At least 16 bytes, zeroes after what the driver sent. */
  readonly cdb: Uint8Array;
  /** Bytes that come with the command. */
  readonly outLength: number;
  /** Guest memory for the data. */
  readonly data: readonly Uint8Array[];
  readonly room: number;
}

/** What a command came to. */
export type Outcome =
  /** `written` bytes are at the start of the data. */
  | { readonly kind: 'good'; readonly written: number }
  | { readonly kind: 'check'; readonly sense: Sense }
  /** The transport's own errors. */
  | { readonly kind: 'transport'; readonly response: number };

/** Throws DriverError for a chain without whole headers: there is nothing to understand, or nowhere to put an answer. */
export function parseScsiRequest(chain: Omit<Chain, 'head'>, sizes: FieldSizes): ScsiRequest {
  const header = HEADER + sizes.cdb;
  const response = RESPONSE_HEADER + sizes.sense;
  if (chain.readableLength < header) throw new DriverError(`a SCSI request is shorter than its ${header}-byte header`);
  if (chain.writableLength < response) {
    throw new DriverError(`a SCSI request has no room for its response of ${response} bytes`);
  }
  // Copied before it is looked at: the guest may change its own memory meanwhile.
  const bytes = new Uint8Array(Math.max(header, HEADER + CDB_BYTES));
  gatherScattered(chain.readable, bytes.subarray(0, header));
  return {
    to: addressed(bytes),
    id: new DataView(bytes.buffer).getBigUint64(8, true),
    cdb: bytes.subarray(HEADER),
    outLength: chain.readableLength - header,
    data: sliceScattered(chain.writable, response, chain.writableLength),
    room: chain.writableLength - response,
  };
}

/** 5.6.6.1: the first byte is 1, the second the target, then a logical unit in two bytes as SAM has it, then zeroes. */
export function addressed(lun: Uint8Array): Addressed {
  const [format = 0, target = 0, high = 0, low = 0, ...rest] = lun.subarray(0, 8);
  if (format !== 1 || target !== 0) return 'no-target';
  // Flat addressing (0x40) and peripheral addressing (0) mean the same here; well-known units (0xc1) are others.
  const unit = (high & 0xbf) * 256 + low;
  return unit === 0 && rest.every(byte => byte === 0) ? 'drive' : 'no-unit';
}

/** Writes the response; returns how many bytes of the writable part are written, from its start without a gap (2.7.8.2). */
export function answer(
  chain: Pick<Chain, 'writable'>,
  request: Pick<ScsiRequest, 'outLength' | 'room'>,
  sizes: FieldSizes,
  outcome: Outcome,
): number {
  const bytes = new Uint8Array(RESPONSE_HEADER + sizes.sense);
  const written = outcome.kind === 'good' ? outcome.written : 0;
  if (outcome.kind === 'check') {
    bytes.set(encodeSense(outcome.sense).subarray(0, sizes.sense), RESPONSE_HEADER);
    writeLe(bytes, 0, 4, Math.min(SENSE_BYTES, sizes.sense));
  }
  writeLe(bytes, 4, 4, request.outLength + request.room - written);
  bytes[10] = outcome.kind === 'check' ? CHECK_CONDITION : GOOD;
  bytes[11] = outcome.kind === 'transport' ? outcome.response : RESPONSE.ok;
  return fillScattered(chain.writable, bytes) + written;
}
