/**
 * The wire as the service sees it: one port for each pair of queues, and what concerns all of them. A tap is one, memory in a
 * test another, a cable that leads nowhere the third (virtio 1.2, 5.1.6 calls it the external network).
 */
import type { Offloads } from './registers.ts';

/** What became of a frame that was written. */
export type SendResult = 'sent' | 'refused' | 'down' | 'busy';

/** The far end of a pair of queues. Frames carry virtio's 12-byte header in both directions. */
export interface NetPort {
  /**
   * Reads one frame across `buffers`, in order; what does not fit is lost. Returns its length with header, at most the room, or
   * 0 when there is none. Never waits.
   */
  read(buffers: readonly ArrayBufferView[]): number;
  /** Writes one frame. Never waits. */
  write(buffers: readonly ArrayBufferView[]): SendResult;
  /** Calls back when there may be something to read, or the wire has broken, perhaps more than once. At most one listener. */
  listen(callback: () => void): void;
  /** Calls back no more. */
  rest(): void;
}

export interface NetBackend {
  /** How messages call it, for example `tap0`. */
  readonly label: string;
  readonly ports: readonly NetPort[];
  /** What it can do for the guest. */
  readonly offloads: Offloads;
  readonly linkUp: boolean;
  /** Calls back with a clause that says what has become of the wire, after which `linkUp` may be another. */
  onChange(callback: (news: string) => void): void;
  /** Lets frames come in that the guest has to finish: what of the GUEST_ features is on, as bits of them. */
  setOffloads(features: bigint): void;
  /** How many ports, from the first on, get frames. */
  setPairs(count: number): void;
  close(): void;
}

/** A cable that leads nowhere: the link is down, what is sent is lost. */
export function noWire(ports: number): NetBackend {
  const port: NetPort = { read: () => 0, write: () => 'down', listen() {}, rest() {} };
  return {
    label: 'no wire',
    ports: Array.from({ length: ports }, () => port),
    offloads: { tcp: true, udp: false },
    linkUp: false,
    onChange() {},
    setOffloads() {},
    setPairs() {},
    close() {},
  };
}
