/** A wire in memory: what the guest sends is kept, what the test puts in is received. */
import { bytesOf } from '../../../src/base/views.ts';
import type { NetBackend, NetPort, SendResult } from '../../../src/devices/net/backend.ts';
import { HEADER } from '../../../src/devices/net/header.ts';
import type { Offloads } from '../../../src/devices/net/registers.ts';
import { fillScattered } from '../../../src/devices/scatter.ts';

export class MemoryPort implements NetPort {
  /** Frames with header, to be read. */
  readonly incoming: Uint8Array[] = [];
  /** Frames with header that were written. */
  readonly outgoing: Uint8Array[] = [];
  /** What becomes of the next writes; `sent` without. */
  results: SendResult[] = [];
  /** Reads, those in vain included. */
  reads = 0;
  listener: (() => void) | undefined;

  /** A frame, without header unless one is given, arrives. */
  put(frame: Uint8Array, header = new Uint8Array(HEADER)): void {
    this.incoming.push(Uint8Array.from([...header.subarray(0, 10), 0, 0, ...frame]));
    const { listener } = this;
    this.listener = undefined;
    if (listener) setImmediate(listener);
  }

  read(buffers: readonly ArrayBufferView[]): number {
    this.reads++;
    const frame = this.incoming.shift();
    return frame ? fillScattered(buffers.map(bytesOf), frame) : 0;
  }

  write(buffers: readonly ArrayBufferView[]): SendResult {
    const result = this.results.shift() ?? 'sent';
    if (result === 'sent') this.outgoing.push(Uint8Array.from(buffers.flatMap(place => [...bytesOf(place)])));
    return result;
  }

  listen(callback: () => void): void {
    this.listener = callback;
    if (this.incoming.length > 0) setImmediate(() => this.listener?.());
  }

  rest(): void {
    this.listener = undefined;
  }
}

export class MemoryWire implements NetBackend {
  readonly label = 'wire0';
  readonly offloads: Offloads = { tcp: true, udp: true };
  readonly ports: readonly MemoryPort[];
  linkUp = true;
  /** As last set. */
  guestOffloads = 0n;
  pairs = 0;
  closed = false;
  #tell: (news: string) => void = () => {};

  constructor(ports = 1) {
    this.ports = Array.from({ length: ports }, () => new MemoryPort());
  }

  get port(): MemoryPort {
    return this.ports[0]!;
  }

  onChange(callback: (news: string) => void): void {
    this.#tell = callback;
  }

  setLink(up: boolean): void {
    this.linkUp = up;
    this.#tell(`wire0 is ${up ? 'up' : 'down'}`);
  }

  setOffloads(features: bigint): void {
    this.guestOffloads = features;
  }

  setPairs(count: number): void {
    this.pairs = count;
  }

  close(): void {
    this.closed = true;
  }
}

/** An Ethernet frame: addresses as text, then a payload. */
export function frame(to: string, from: string, payload: Uint8Array = new Uint8Array(46), type = 0x88b5): Uint8Array {
  const bytes = (mac: string) => mac.split(':').map(part => Number.parseInt(part, 16));
  const result = new Uint8Array(14 + payload.length);
  result.set([...bytes(to), ...bytes(from), type >> 8, type & 0xff]);
  result.set(payload, 14);
  return result;
}
