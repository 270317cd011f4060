/** A SCSI driver's words: command and task requests as bytes, answers taken apart, and a medium in memory. */
import type { CdromBackend } from '../../../src/devices/scsi/backend.ts';
import type { Reply } from '../../support/mock-queue.ts';
import { Random } from '../random.ts';

export const SENSE_SIZE = 96;
export const RESPONSE_SIZE = 12 + SENSE_SIZE;

export interface HeaderOptions {
  readonly target?: number;
  readonly lun?: number;
  readonly id?: bigint;
  /** First byte of the address. */
  readonly format?: number;
  readonly cdbSize?: number;
}

/** lun[8] as 5.6.6.1 wants it. */
export function address({ target = 0, lun = 0, format = 1 }: HeaderOptions = {}): Uint8Array {
  return Uint8Array.of(format, target, 0x40 | (lun >> 8), lun & 0xff, 0, 0, 0, 0);
}

/** `struct virtio_scsi_req_cmd` up to the data. */
export function command(cdb: readonly number[], options: HeaderOptions = {}): Uint8Array {
  const bytes = new Uint8Array(19 + (options.cdbSize ?? 32));
  bytes.set(address(options));
  new DataView(bytes.buffer).setBigUint64(8, options.id ?? 0n, true);
  bytes.set(cdb, 19);
  return bytes;
}

/** `struct virtio_scsi_ctrl_tmf`. */
export function task(subtype: number, options: HeaderOptions = {}): Uint8Array {
  const bytes = new Uint8Array(24);
  new DataView(bytes.buffer).setUint32(4, subtype, true);
  bytes.set(address(options), 8);
  new DataView(bytes.buffer).setBigUint64(16, options.id ?? 0n, true);
  return bytes;
}

/** `struct virtio_scsi_ctrl_an`. */
export function notification(type: number, options: HeaderOptions = {}): Uint8Array {
  const bytes = new Uint8Array(16).fill(0xff, 12);
  new DataView(bytes.buffer).setUint32(0, type, true);
  bytes.set(address(options), 4);
  return bytes;
}

export interface Response {
  readonly senseLength: number;
  readonly residual: number;
  readonly status: number;
  readonly response: number;
  /** Key, additional sense code and qualifier, as `05/20/00`; empty without sense data. */
  readonly sense: string;
  /** What came, of the data. */
  readonly data: Uint8Array;
}

export function responseOf(reply: Reply, senseSize = SENSE_SIZE): Response {
  const bytes = Buffer.concat(reply.buffers);
  const senseLength = bytes.readUInt32LE(0);
  const sense = bytes.subarray(12, 12 + senseLength);
  return {
    senseLength,
    residual: bytes.readUInt32LE(4),
    status: bytes[10]!,
    response: bytes[11]!,
    sense: senseLength === 0 ? '' : [sense[2]!, sense[12]!, sense[13]!].map(hex).join('/'),
    data: bytes.subarray(12 + senseSize, Math.max(reply.written, 12 + senseSize)),
  };
}

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0');

/** Blocks of random bytes that keep a journal, can be slow, fail, and end early. */
export class MemoryMedium implements CdromBackend {
  readonly blocks: number;
  readonly label = 'memory';
  readonly bytes: Uint8Array;
  readonly journal: string[] = [];
  closed = false;
  /** Runs before each read; may throw, or wait. */
  before: () => void | Promise<void> = () => {};
  /** Bytes that are left of the medium. */
  end = Number.POSITIVE_INFINITY;
  /** Reads complete on the spot, as from a page cache. */
  immediate = false;

  constructor(blocks: number, seed = 1) {
    this.blocks = blocks;
    this.bytes = new Random(seed).bytes(blocks * 2048);
  }

  read(offset: number, buffers: readonly Uint8Array[]): Promise<number> | number {
    const run = () => {
      let at = offset;
      for (const buffer of buffers) {
        const part = this.bytes.subarray(at, Math.min(at + buffer.length, Math.max(this.end, at)));
        buffer.set(part);
        at += part.length;
      }
      return at - offset;
    };
    this.journal.push(`${offset}+${buffers.reduce((sum, buffer) => sum + buffer.length, 0)}`);
    const wait = this.before();
    if (this.immediate) return run();
    return Promise.resolve(wait).then(run);
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}
