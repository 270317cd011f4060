/**
 * Requests on the control queue (virtio 1.2, 5.6.6.2): what to do with commands that are under way, and which events are wanted.
 * Parsing is pure.
 */
import { readLe, writeLe } from '../../base/bits.ts';
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';
import { fillScattered, gatherScattered } from '../scatter.ts';
import { type Addressed, addressed } from './request.ts';

/** Values of `type`. */
export const CONTROL = { taskManagement: 0, query: 1, subscribe: 2 } as const;

/** Values of `subtype` of task management. */
export const TASK = {
  abort: 0,
  abortSet: 1,
  clearAca: 2,
  clearSet: 3,
  nexusReset: 4,
  unitReset: 5,
  query: 6,
  querySet: 7,
} as const;

export type ControlRequest =
  | { readonly kind: 'task'; readonly subtype: number; readonly to: Addressed; readonly id: bigint }
  /** Query of, or subscription to, asynchronous notifications. */
  | { readonly kind: 'events'; readonly to: Addressed };

/** Bytes that a request of each type has, and that its answer takes. */
const SIZES: Readonly<Record<number, { readonly request: number; readonly answer: number }>> = {
  [CONTROL.taskManagement]: { request: 24, answer: 1 },
  [CONTROL.query]: { request: 16, answer: 5 },
  [CONTROL.subscribe]: { request: 16, answer: 5 },
};
const LONGEST = 24;

/** Throws DriverError for a request of no known type, for one that is cut off, and for one without room for the answer. */
export function parseControlRequest(chain: Omit<Chain, 'head'>): ControlRequest {
  const bytes = new Uint8Array(LONGEST);
  gatherScattered(chain.readable, bytes);
  const type = readLe(bytes, 0, 4);
  const sizes = chain.readableLength < 4 ? undefined : SIZES[type];
  if (!sizes) throw new DriverError('a SCSI control request is of no known type');
  if (chain.readableLength < sizes.request) throw new DriverError('a SCSI control request is cut off');
  if (chain.writableLength < sizes.answer) throw new DriverError('a SCSI control request has no room for its answer');
  if (type !== CONTROL.taskManagement) return { kind: 'events', to: addressed(bytes.subarray(4, 12)) };
  return {
    kind: 'task',
    subtype: readLe(bytes, 4, 4),
    to: addressed(bytes.subarray(8, 16)),
    id: new DataView(bytes.buffer).getBigUint64(16, true),
  };
}

/** Writes the answer and returns its length. Of the events asked about there are none: event_actual is 0. */
export function answerControl(chain: Pick<Chain, 'writable'>, request: ControlRequest, response: number): number {
  const bytes = new Uint8Array(request.kind === 'task' ? 1 : 5);
  writeLe(bytes, bytes.length - 1, 1, response);
  return fillScattered(chain.writable, bytes);
}
