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
import { Loops } from './loops.ts';
import { SplitQueue } from './split-queue.ts';
import type { VirtioTransport } from './transport.ts';

/** How long a loop may take to let go of its chains at pause and at the end, in ms. */
const PARK_MS = 10_000;
/** How long a service may take for its last writes, in ms: a disk may be slow, a machine must still end. */
const SETTLE_MS = 60_000;

export interface DeviceRunnerOptions {
  readonly transport: VirtioTransport;
  readonly service: DeviceService;
  readonly memory: GuestMemory;
  /** Rung by the transports of all threads. */
  readonly control: BellWaiter;
  /** One for each queue. */
  readonly doorbells: readonly BellWaiter[];
}

/** From start to stop. What a stuck request leaves behind stays with its session and disturbs no later one. */
interface Session {
  ending: boolean;
  readonly loops: Loops;
  attending: Promise<void>;
}

export class DeviceRunner {
  /** What the service sees of its device. */
  readonly device: DeviceHandle;
  readonly #o: DeviceRunnerOptions;
  #session: Session | undefined;
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
      get configSeen() {
        return transport.configSeen;
      },
      needsReset: reason => this.#fail(reason),
    };
  }

  /** Begins to look after the device: fresh, or as a snapshot left it. `paused`: hands out no chain before {@link resume}. */
  start(options: { paused?: boolean } = {}): void {
    if (this.#session) throw new Error(`${this.device.name} is running already`);
    this.#paused = options.paused ?? false;
    const session: Session = { ending: false, loops: new Loops(), attending: Promise.resolve() };
    this.#session = session;
    session.attending = this.#attend(session);
  }

  /**
   * Parks the loops: no chain is taken any more, those in flight are completed, and what was acknowledged is durable when this
   * resolves. Throws when a loop does not let go of its chains in time; {@link resume} is then as good as ever.
   */
  async pause(): Promise<void> {
    this.#paused = true;
    try {
      await this.#session?.loops.pause(PARK_MS);
    } catch (error) {
      throw new Error(`${this.device.name}: ${(error as Error).message}`);
    }
    await this.#o.service.settle?.();
  }

  resume(): void {
    this.#paused = false;
    this.#session?.loops.resume();
  }

  /** Ends all loops and drops the driver's session; {@link start} may follow. Never hangs, never throws. */
  async stop(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    session.ending = true;
    this.#o.control.cancel();
    await this.#bounded(PARK_MS, 'its last request', () => Promise.all([session.attending, session.loops.park()]));
    await this.#bounded(PARK_MS, 'its reset', () => this.#o.service.reset?.());
  }

  /** {@link stop}, then everything durable and released. Never hangs, never throws. */
  async close(): Promise<void> {
    await this.stop();
    await this.#bounded(SETTLE_MS, 'its last write', () => this.#o.service.settle?.());
    await this.#bounded(SETTLE_MS, 'its end', () => this.#o.service.close?.());
  }

  async #attend(session: Session): Promise<void> {
    while (!session.ending) {
      await this.#guarded('looking after its driver', () => this.#look(session));
      if (session.ending) break;
      await this.#o.control.wait();
    }
  }

  async #look(session: Session): Promise<void> {
    const { transport, service, doorbells } = this.#o;
    if (transport.takeConfigWritten()) {
      await this.#guarded('a configuration write', () => service.configWritten?.(this.device));
    }
    if (transport.resetPending) {
      await session.loops.park();
      await this.#guarded('its reset', () => service.reset?.());
      if (!session.ending) transport.finishReset();
      // What the reset changed in the configuration is for the next look.
      this.#o.control.cancel();
      return;
    }
    if (!transport.live) await session.loops.park();
    for (let index = 0; index < doorbells.length && !session.ending && !transport.resetPending; index++) {
      if (transport.queueResetPending(index)) {
        await session.loops.parkOne(index);
        if (!session.ending) transport.finishQueueReset(index);
      } else if (transport.live && transport.queueEnabled(index) && !session.loops.has(index)) {
        this.#startLoop(session, index);
      }
    }
  }

  #startLoop(session: Session, index: number): void {
    let queue: SplitQueue;
    try {
      queue = this.#open(index);
    } catch (error) {
      this.#fail(reasonOf(index, error));
      return;
    }
    log.narrate(this.device.name, `queue ${index} is served`);
    const done = this.#serve(index, queue).catch(error => {
      // What goes wrong in a queue that must stop anyway concerns nobody.
      if (queue.stopping) log.narrate(this.device.name, reasonOf(index, error));
      else this.#fail(reasonOf(index, error));
    });
    session.loops.add(index, { queue, done });
  }

  /** Throws for rings that are no rings: a snapshot may say anything. */
  #open(index: number): SplitQueue {
    const { transport, memory, doorbells } = this.#o;
    const features = transport.features;
    return new SplitQueue({
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
  }

  async #serve(index: number, queue: SplitQueue): Promise<void> {
    await this.#o.service.serve(index, queue, this.device);
  }

  #fail(reason: string): void {
    this.#o.transport.needsReset(reason);
    this.#session?.loops.stop();
    this.#o.control.cancel();
  }

  async #bounded(ms: number, what: string, action: () => unknown): Promise<void> {
    if (await within(ms, this.#guarded(what, action))) return;
    log.warn(`${this.device.name}: ${what} takes too long; going on without it.`);
  }

  async #guarded(what: string, action: () => unknown): Promise<void> {
    try {
      await action();
    } catch (error) {
      log.warn(`${this.device.name}: ${what} failed: ${describeError(error)}`);
    }
  }
}

function reasonOf(index: number, error: unknown): string {
  return `queue ${index}: ${error instanceof DriverError ? error.message : describeError(error)}`;
}
