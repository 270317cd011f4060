/**
 * What a driver's writes to the common configuration do: negotiation, the status byte, and a queue's way from set-up through
 * enable to reset (virtio 1.2, 2.1, 2.2, 2.6.1, 3.1.1 and 4.1.4.3.2). Each method is the rule for one register; all run on the
 * thread of the access, with the device's lock held, and leave to main whatever needs the service.
 */
import { hex } from '../base/bits.ts';
import { log } from '../base/log.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { DeviceModel } from './device.ts';
import { RING_RESET, TRANSPORT_FEATURE_BITS, TRANSPORT_FEATURES, VERSION_1 } from './features.ts';
import type { Interrupts } from './interrupts.ts';
import { STATUS, statusNames } from './layout.ts';
import { openRings } from './ring.ts';
import type { TransportState } from './state.ts';

/** Status bits that a driver sets; NEEDS_RESET is the device's. */
const DRIVER_BITS = STATUS.acknowledge | STATUS.driver | STATUS.driverOk | STATUS.featuresOk | STATUS.failed;

/** What the rules need of the transport around them. */
export interface DriverWritesContext {
  readonly model: DeviceModel;
  readonly state: TransportState;
  readonly memory: GuestMemory;
  readonly interrupts: Interrupts;
  /** Wakes main to look at the state. */
  readonly wakeMain: () => void;
  /** The driver broke the rules. */
  readonly fail: (reason: string) => void;
}

export class DriverWrites {
  readonly state: TransportState;
  /** Features offered: the device's and the transport's. */
  readonly offered: bigint;
  readonly #context: DriverWritesContext;

  constructor(context: DriverWritesContext) {
    this.#context = context;
    this.state = context.state;
    this.offered = (context.model.features & ~TRANSPORT_FEATURE_BITS) | TRANSPORT_FEATURES;
  }

  get selectedQueue(): number {
    return this.state.device.queueSelect;
  }

  /** Features both sides agreed on; 0 before FEATURES_OK. */
  get agreed(): bigint {
    const { status, driverFeatures } = this.state.device;
    return status & STATUS.featuresOk ? driverFeatures & this.offered : 0n;
  }

  /** device_feature: 32 bits of what is offered; beyond 64 bits nothing is. */
  offeredWord(): number {
    return word(this.offered, this.state.device.deviceFeatureSelect);
  }

  acceptedWord(): number {
    return word(this.state.device.driverFeatures, this.state.device.driverFeatureSelect);
  }

  /** driver_feature: what is not offered is not kept, and after FEATURES_OK nothing changes (2.2.1). */
  acceptWord(value: number): undefined {
    const { device } = this.state;
    const select = device.driverFeatureSelect;
    if (device.status & STATUS.featuresOk) return this.#ignored('feature bits after FEATURES_OK');
    if (select > 1) return undefined;
    const shift = BigInt(32 * select);
    const others = device.driverFeatures & ~(0xffff_ffffn << shift);
    device.driverFeatures = others | ((BigInt(value) << shift) & this.offered);
    return undefined;
  }

  /** config_msix_vector and queue_msix_vector. */
  vector(value: number): number {
    return this.#context.interrupts.mappable(value);
  }

  /** device_status: bits only come (2.1.1), and all go with a write of 0. */
  status(value: number): undefined {
    const { device } = this.state;
    if (value === 0) return this.#reset();
    if (device.resetPending) return this.#ignored('status before the reset is done');
    let added = value & DRIVER_BITS & ~device.status;
    if (added & STATUS.featuresOk && !this.#acceptable()) added &= ~STATUS.featuresOk;
    if (added & STATUS.driverOk && !((device.status | added) & STATUS.featuresOk)) {
      this.#ignored('DRIVER_OK without FEATURES_OK');
      added &= ~STATUS.driverOk;
    }
    device.status |= added;
    log.narrate(this.#context.model.name, `status ${statusNames(device.status)}`);
    if (added & (STATUS.driverOk | STATUS.failed)) this.#context.wakeMain();
    return undefined;
  }

  /** queue_size: a power of two; more than the device offers becomes what it offers. */
  queueSize(index: number, value: number): number | undefined {
    if (this.queueFrozen(index)) return undefined;
    if (value === 0 || (value & (value - 1)) !== 0) return this.#ignored(`size ${value} of queue ${index}`);
    return Math.min(value, this.#context.model.queueSizes[index]!);
  }

  /** Whether size and addresses of a queue stay as they are: from enable until the queue's or the device's reset (3.1.1). */
  queueFrozen(index: number): boolean {
    if (this.state.queues[index]!.enable === 0) return false;
    this.#ignored(`a change of queue ${index} while it is enabled`);
    return true;
  }

  /** queue_enable: only 1 means something (4.1.4.3.2). Rings that are not RAM cost the driver its device here and now. */
  queueEnable(index: number, value: number): number | undefined {
    const queue = this.state.queues[index]!;
    if (value !== 1 || queue.enable !== 0) return value === 1 ? undefined : this.#ignored(`queue_enable ${value}`);
    try {
      openRings(this.#context.memory, this.state.layout(index));
    } catch (error) {
      this.#context.fail(`queue ${index}: ${(error as Error).message}`);
      return undefined;
    }
    log.narrate(this.#context.model.name, `queue ${index} enabled, ${queue.size} entries at ${hex(queue.desc)}`);
    if (this.state.device.status & STATUS.driverOk) this.#context.wakeMain();
    return 1;
  }

  /** queue_reset: reads 1 until main has parked the queue's loop; nobody serves it before DRIVER_OK (2.6.1, 4.1.4.3.1). */
  queueReset(index: number, value: number): number | undefined {
    if (value !== 1 || (this.agreed & RING_RESET) === 0n) return this.#ignored(`queue_reset ${value}`);
    const queue = this.state.queues[index]!;
    if (queue.enable === 0 || queue.reset !== 0) return undefined;
    log.narrate(this.#context.model.name, `queue ${index} reset`);
    if ((this.state.device.status & STATUS.driverOk) === 0) {
      this.state.resetQueue(index);
      return undefined;
    }
    this.#context.wakeMain();
    return 1;
  }

  #acceptable(): boolean {
    const { model } = this.#context;
    const { driverFeatures } = this.state.device;
    if ((driverFeatures & VERSION_1) === 0n) {
      this.#ignored('FEATURES_OK without VERSION_1');
      return false;
    }
    if (model.acceptsFeatures && !model.acceptsFeatures(driverFeatures & this.offered)) {
      this.#ignored(`FEATURES_OK with features ${hex(driverFeatures)}`);
      return false;
    }
    return true;
  }

  /**
   * Before DRIVER_OK nothing runs and the reset is done at once. Otherwise status keeps its value, which is not 0, until main has
   * parked the loops (2.4.1).
   */
  #reset(): undefined {
    const { device } = this.state;
    if (device.status & STATUS.driverOk) device.resetPending = 1;
    else {
      this.state.reset();
      this.#context.interrupts.lower();
    }
    if (device.resetPending || device.configWritten) this.#context.wakeMain();
  }

  #ignored(what: string): undefined {
    log.narrate(this.#context.model.name, `ignored ${what}`);
    return undefined;
  }
}

function word(features: bigint, select: number): number {
  return select > 1 ? 0 : Number((features >> BigInt(32 * select)) & 0xffff_ffffn);
}
