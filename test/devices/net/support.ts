/** A network device on a wire in memory with a mock driver, and how a driver of it speaks. */
import { type NetConfig, netModel } from '../../../src/devices/net/registers.ts';
import { type NetParts, NetService } from '../../../src/devices/net/service.ts';
import { MockDriver, type MockDriverOptions } from '../../support/mock-driver.ts';
import type { MockQueue, Reply } from '../../support/mock-queue.ts';
import { MemoryWire } from './memory-wire.ts';

export const GUEST = '02:00:00:00:00:01';
export const PEER = '02:00:00:00:00:02';
export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/** Feature bits by number, as in the specification. */
export const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 1n << 32n);
export const ALL = ~0n;
export const MRG_RXBUF = 15;

export interface NetSetUp extends MockDriverOptions {
  readonly config?: Partial<NetConfig>;
  readonly parts?: Partial<NetParts>;
}

export class NetDriver {
  readonly wire: MemoryWire;
  readonly service: NetService;
  readonly driver: MockDriver;
  readonly #pairs: number;

  private constructor(wire: MemoryWire, service: NetService, driver: MockDriver, pairs: number) {
    this.wire = wire;
    this.service = service;
    this.driver = driver;
    this.#pairs = pairs;
  }

  static async start({ config = {}, parts = {}, ...options }: NetSetUp = {}): Promise<NetDriver> {
    const pairs = config.queuePairs ?? 1;
    const wire = new MemoryWire(pairs);
    const full: NetConfig = {
      kind: 'net',
      name: 'net0',
      mac: GUEST,
      queuePairs: pairs,
      offloads: wire.offloads,
      linkUp: wire.linkUp,
      ...config,
    };
    const service = new NetService(full, { wire, ...parts });
    const driver = await MockDriver.start(netModel(full), service, options);
    return new NetDriver(wire, service, driver, pairs);
  }

  receiveQueue(pair = 0): MockQueue {
    return this.driver.queue(2 * pair);
  }

  transmitQueue(pair = 0): MockQueue {
    return this.driver.queue(2 * pair + 1);
  }

  /** Sends a frame behind a header (zeroes unless given); resolves when the buffers are back. */
  send(frame: Uint8Array, header = new Uint8Array(12)): Promise<Reply> {
    return this.transmitQueue().submit([header, frame]);
  }

  /** Gives one receive buffer of these parts; resolves to what came. */
  receive(...lengths: number[]): Promise<Reply> {
    return this.receiveQueue().submit([], lengths.length > 0 ? lengths : [2048]);
  }

  /** A control command; resolves to the answer. */
  async control(kind: number, command: number, data: ArrayLike<number> = []): Promise<number> {
    const index = (this.driver.features & (1n << 22n)) === 0n ? 2 : 2 * this.#pairs;
    const { data: answer } = await this.driver
      .queue(index)
      .submit([Uint8Array.of(kind, command), Uint8Array.from(data)], [1]);
    return answer[0]!;
  }

  get drops(): Record<string, number> {
    return Object.fromEntries(this.service.statistics.drops);
  }

  stop(): Promise<void> {
    return this.driver.stop();
  }
}
