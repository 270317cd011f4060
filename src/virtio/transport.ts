/**
 * The virtio PCI transport (virtio 1.2, 4.1): the registers behind a function's memory BAR, and main's view of the same state.
 * Every thread has such an object over the same slice. Register accesses are applied on the thread that makes them, under the
 * device's lock; what needs the device's service is left in the state as a request, and a bell wakes main to look.
 */
import { log } from '../base/log.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { Bell } from '../bus/triggers.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { RegisterFile } from '../state/register-file.ts';
import { TransportBar } from './bar.ts';
import type { DeviceModel } from './device.ts';
import { DriverWrites } from './driver-writes.ts';
import { type FunctionInterrupts, Interrupts } from './interrupts.ts';
import { STATUS } from './layout.ts';
import { MAX_QUEUE_SIZE, type RingLayout } from './ring.ts';
import { TransportState } from './state.ts';
import type { QueueCursor } from './used-ring.ts';

export interface VirtioTransportOptions {
  readonly model: DeviceModel;
  readonly registers: RegisterFile;
  readonly memory: GuestMemory;
  readonly interrupts: FunctionInterrupts;
  /** Wakes main to look at the state. */
  readonly control: Bell;
  /** One for each queue: kicks that no ioeventfd took. */
  readonly doorbells: readonly Bell[];
}

export class VirtioTransport {
  readonly name: string;
  readonly model: DeviceModel;
  /** The registers behind BAR0, without MSI-X. */
  readonly bar: RegisterBlock;
  readonly #state: TransportState;
  readonly #driver: DriverWrites;
  readonly #interrupts: Interrupts;
  readonly #control: Bell;

  /** Takes the slice `virtio-NAME`, whose content means nothing until {@link powerOn} has run on one thread. */
  constructor(options: VirtioTransportOptions) {
    const { model, registers, memory, interrupts, control, doorbells } = options;
    this.name = model.name;
    this.model = model;
    this.#control = control;
    this.#state = new TransportState(registers, model);
    this.#interrupts = new Interrupts(this.#state, interrupts);
    this.#driver = new DriverWrites({
      model,
      state: this.#state,
      memory,
      interrupts: this.#interrupts,
      wakeMain: () => control.ring(),
      fail: reason => this.#fail(reason),
    });
    this.bar = new TransportBar({ model, driver: this.#driver, interrupts: this.#interrupts, control, doorbells });
  }

  /** Puts all registers to their values at power-on. One thread, before the guest (re)starts. */
  powerOn(): void {
    this.#locked(() => this.#state.powerOn());
  }

  get status(): number {
    return this.#state.device.status;
  }

  /** DRIVER_OK, and nothing went wrong since: queues may be served (2.1.2). */
  get live(): boolean {
    return (
      (this.status & (STATUS.driverOk | STATUS.needsReset | STATUS.failed)) === STATUS.driverOk && !this.resetPending
    );
  }

  /** Features both sides agreed on; 0 before FEATURES_OK. */
  get features(): bigint {
    return this.#driver.agreed;
  }

  /** The driver waits for {@link finishReset}. */
  get resetPending(): boolean {
    return this.#state.device.resetPending !== 0;
  }

  queueEnabled(index: number): boolean {
    return this.#state.queues[index]?.enable === 1;
  }

  /** The driver waits for {@link finishQueueReset}. */
  queueResetPending(index: number): boolean {
    return this.#state.queues[index]?.reset === 1;
  }

  /** Where an enabled queue's rings are. The size is checked: the state may come from a snapshot. */
  queueLayout(index: number): RingLayout {
    const layout = this.#state.layout(index);
    if (!Number.isInteger(Math.log2(layout.size)) || layout.size > MAX_QUEUE_SIZE) {
      throw new RangeError(`queue ${index} of ${this.name} cannot have ${layout.size} entries`);
    }
    return layout;
  }

  queueCursor(index: number): QueueCursor {
    return this.#state.cursor(index);
  }

  /** Whether the driver wrote a configuration field since this was last asked. */
  takeConfigWritten(): boolean {
    if (this.#state.device.configWritten === 0) return false;
    this.#locked(() => {
      this.#state.device.configWritten = 0;
    });
    return true;
  }

  /** Used-buffer notification (2.9): the queue's vector, or ISR and INTx. */
  interruptQueue(index: number): void {
    this.#interrupts.queue(index);
  }

  /** A copy of the device configuration space. */
  readConfig(): Uint8Array {
    return this.#locked(() => this.#state.config.slice());
  }

  /** Whether the driver has read any of the configuration space since it last changed. */
  get configSeen(): boolean {
    return this.#state.device.configSeen !== 0;
  }

  /** Changes the configuration space and tells the driver (2.5.1, 4.1.4.3.1). */
  changeConfig(change: (config: Uint8Array) => void): void {
    this.#locked(() => {
      change(this.#state.config);
      const { device } = this.#state;
      device.configGeneration = (device.configGeneration + 1) & 0xff;
      device.configSeen = 0;
      this.#interrupts.config();
    });
  }

  /** The driver broke the rules: NEEDS_RESET, a configuration interrupt, and one warning (2.1.2). */
  needsReset(reason: string): void {
    this.#locked(() => this.#fail(reason));
  }

  /** Main has parked everything: the driver sees status 0. */
  finishReset(): void {
    this.#locked(() => {
      this.#state.reset();
      this.#interrupts.lower();
    });
    log.narrate(this.name, 'reset');
  }

  /** Main has parked the queue's loop: queue_reset and queue_enable read 0. */
  finishQueueReset(index: number): void {
    this.#locked(() => this.#state.resetQueue(index));
  }

  #locked<T>(body: () => T): T {
    return this.#state.slice.lock.with(body);
  }

  /** Says so once: the first mistake counts, and none counts while a reset is on its way. */
  #fail(reason: string): void {
    const { device } = this.#state;
    if (device.status & STATUS.needsReset || device.resetPending) return;
    device.status |= STATUS.needsReset;
    log.warn(`${this.name}: ${reason}; the device stops until its driver resets it.`);
    this.#interrupts.config();
    this.#control.ring();
  }
}
