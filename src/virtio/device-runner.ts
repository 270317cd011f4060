/**
 * Drives one device on main: looks at what the driver asked for in the transport's state, and starts, parks and ends the service
 * loops accordingly. Woken by the control bell; several wishes may hide behind one ring, so each look goes by the state alone
 * and a look too many does nothing.
 */
import { DriverError, describeError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import type { BellWaiter } from '../bus/triggers.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { within } from './deadline.ts';
import type { DeviceHandle, DeviceService } from './device.ts';
import { RING_EVENT_IDX, RING_INDIRECT_DESC } from './features.ts';
import { SplitQueue } from './split-queue.ts';
import type { VirtioTransport } from './transport.ts';

/** How long a loop may take to finish what it holds at pause and at the end, in ms. */
const PARK_MS = 10_000;

export interface DeviceRunnerOptions {
  readonly transport: VirtioTransport;
  readonly service: DeviceService;
  readonly memory: GuestMemory;
  /** Rung by the transports of all threads. */
  readonly control: BellWaiter;
  /** One for each queue. */
  readonly doorbells: readonly BellWaiter[];
}

interface Loop {
  readonly queue: SplitQueue;
  /** Resolves, never rejects, when the service has returned. */
  readonly done: Promise<void>;
}

export class DeviceRunner {
  /** What the service sees of its device. */
  readonly device: DeviceHandle;
  readonly #o: DeviceRunnerOptions;
  readonly #loops = new Map<number, Loop>();
  #attending: Promise<void> | undefined;
  #ending = false;
  #paused = false;

  constructor(options: DeviceRunnerOptions) {
    this.#o = options;
    const { transport } = options;
    this.device = {
      name: transport.name,
      get features() {
        return transport.features;
      },
      changeConfig: change => transport.changeConfig(change),
      readConfig: () => transport.readConfig(),
      needsReset: reason => this.#fail(reason),
    };
  }

  /** Begins to look after the device: fresh, or as a snapshot left it. `paused`: hands out no chain before {@link resume}. */
  start(options: { paused?: boolean } = {}): void {
    if (this.#attending) throw new Error(`${this.device.name} is running already`);
    this.#ending = false;
    this.#paused = options.paused ?? false;
    this.#attending = this.#attend();
  }

  /**
   * Parks the loops: no chain is taken any more, those in flight are completed, and what was acknowledged is durable when this
   * resolves. Throws when a loop does not let go of its chains in time; {@link resume} is then as good as ever.
   */
  async pause(): Promise<void> {
    this.#paused = true;
    for (const { queue } of this.#loops.values()) {
      if (await within(PARK_MS, queue.pause())) continue;
      throw new Error(`${this.device.name}: queue ${queue.index} still has ${queue.held} requests in flight`);
    }
    await this.#o.service.settle?.();
  }

  resume(): void {
    this.#paused = false;
    for (const { queue } of this.#loops.values()) queue.resume();
  }

  /** Ends all loops and drops the driver's session; {@link start} may follow. Never hangs, never throws. */
  async stop(): Promise<void> {
    this.#ending = true;
    this.#o.control.cancel();
    for (const { queue } of this.#loops.values()) queue.stop();
    const parked = await within(PARK_MS, Promise.all([this.#attending, this.#park()]));
    if (!parked) log.warn(`${this.device.name}: a request does not end; going on without it.`);
    await this.#guarded('its reset', () => this.#o.service.reset?.());
    this.#attending = undefined;
  }

  /** {@link stop}, then everything durable and released. Never throws. */
  async close(): Promise<void> {
    await this.stop();
    await this.#guarded('its last writes', () => this.#o.service.settle?.());
    await this.#guarded('its end', () => this.#o.service.close?.());
  }

  async #attend(): Promise<void> {
    while (!this.#ending) {
      await this.#look();
      if (this.#ending) break;
      await this.#o.control.wait();
    }
  }

  async #look(): Promise<void> {
    const { transport, service } = this.#o;
    if (transport.takeConfigWritten())
      await this.#guarded('a configuration write', () => service.configWritten?.(this.device));
    if (transport.resetPending) {
      await this.#park();
      await this.#guarded('its reset', () => service.reset?.());
      transport.finishReset();
      return;
    }
    if (!transport.live) {
      await this.#park();
      return;
    }
    for (let index = 0; index < this.#o.doorbells.length && !this.#ending; index++) {
      if (transport.queueResetPending(index)) {
        await this.#parkOne(index);
        transport.finishQueueReset(index);
      } else if (transport.queueEnabled(index) && !this.#loops.has(index)) this.#startLoop(index);
    }
  }

  #startLoop(index: number): void {
    const { transport, memory, doorbells } = this.#o;
    const features = transport.features;
    let queue: SplitQueue;
    try {
      queue = new SplitQueue({
        index,
        memory,
        layout: transport.queueLayout(index),
        eventIdx: (features & RING_EVENT_IDX) !== 0n,
        indirect: (features & RING_INDIRECT_DESC) !== 0n,
        doorbell: doorbells[index]!,
        interrupt: () => transport.interruptQueue(index),
        cursor: transport.queueCursor(index),
        paused: this.#paused,
      });
    } catch (error) {
      this.#failWith(index, error);
      return;
    }
    log.narrate(this.device.name, `queue ${index} is served`);
    const done = this.#serve(index, queue).catch(error => this.#failWith(index, error));
    this.#loops.set(index, { queue, done });
  }

  async #serve(index: number, queue: SplitQueue): Promise<void> {
    await this.#o.service.serve(index, queue, this.device);
  }

  #failWith(index: number, error: unknown): void {
    this.#fail(`queue ${index}: ${error instanceof DriverError ? error.message : describeError(error)}`);
  }

  #fail(reason: string): void {
    this.#o.transport.needsReset(reason);
    for (const { queue } of this.#loops.values()) queue.stop();
    this.#o.control.cancel();
  }

  /** Ends all loops and waits until the service has let go of every chain. */
  async #park(): Promise<void> {
    for (const { queue } of this.#loops.values()) queue.stop();
    await Promise.all([...this.#loops.keys()].map(index => this.#parkOne(index)));
  }

  async #parkOne(index: number): Promise<void> {
    const loop = this.#loops.get(index);
    loop?.queue.stop();
    await loop?.done;
    this.#loops.delete(index);
  }

  async #guarded(what: string, action: () => Promise<void> | void): Promise<void> {
    try {
      await action();
    } catch (error) {
      log.warn(`${this.device.name}: ${what} failed: ${describeError(error)}`);
    }
  }
}
