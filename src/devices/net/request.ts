/**
 * A command on the control queue as bytes (virtio 1.2, 5.1.6.5): class, command, data to read, one byte to answer. Parsing is
 * pure and copies: the guest may change its own memory meanwhile.
 */
import { readLe } from '../../base/bits.ts';
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';
import { gatherScattered } from '../scatter.ts';
import { macNumber } from './receive-filter.ts';

/** Class and command. */
const HEADER = 2;
/** More data than any command needs: two tables of thousands of addresses. */
const MAX_DATA = 32 * 1024;
const MAC_BYTES = 6;

/** Values of the answer. */
export const ACK = { OK: 0, ERR: 1 } as const;

export interface ControlCommand {
  readonly class: number;
  readonly command: number;
  readonly data: Uint8Array;
  /** The byte of guest memory that takes the answer. */
  readonly ack: Uint8Array;
}

/** Throws DriverError for a chain that names no command or has no room for an answer. */
export function parseControl(chain: Omit<Chain, 'head'>): ControlCommand {
  if (chain.readableLength < HEADER) throw new DriverError('a control command is shorter than its two bytes');
  if (chain.writableLength < 1) throw new DriverError('a control command has no room for its answer');
  const bytes = new Uint8Array(Math.min(chain.readableLength, HEADER + MAX_DATA));
  gatherScattered(chain.readable, bytes);
  return { class: bytes[0]!, command: bytes[1]!, data: bytes.subarray(HEADER), ack: chain.writable[0]! };
}

/** `struct virtio_net_ctrl_mac` twice: unicast, then multicast addresses. Undefined for tables that are cut short. */
export function parseTables(data: Uint8Array): { unicast: number[]; multicast: number[] } | undefined {
  const unicast = parseTable(data, 0);
  const multicast = unicast && parseTable(data, 4 + unicast.length * MAC_BYTES);
  return multicast && { unicast, multicast };
}

function parseTable(data: Uint8Array, at: number): number[] | undefined {
  if (at + 4 > data.length) return undefined;
  const count = readLe(data, at, 4);
  if (at + 4 + count * MAC_BYTES > data.length) return undefined;
  return Array.from({ length: count }, (_, i) => macNumber(data, at + 4 + i * MAC_BYTES));
}
