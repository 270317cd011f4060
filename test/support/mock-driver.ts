/**
 * A driver in a test: puts a device model and its service into a PCI function and speaks to them through registers, rings and
 * interrupts alone.
 *
 *     const driver = await MockDriver.start(model, service);
 *     const { written, data } = await driver.queue(0).submit([request], [512, 1]);
 *     await driver.stop();
 */
import type { Width } from '../../src/base/bits.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import type { DeviceModel, DeviceService } from '../../src/virtio/device.ts';
import { DeviceRunner } from '../../src/virtio/device-runner.ts';
import { VirtioFunction } from '../../src/virtio/function.ts';
import { MemoryBell } from './memory-bell.ts';
import { MockHeap } from './mock-heap.ts';
import { MockInterrupts } from './mock-interrupts.ts';
import { MockQueue } from './mock-queue.ts';
import { MockRegisters } from './mock-registers.ts';

export interface MockDriverOptions {
  /** Driver features asked for; default: all that is offered. */
  readonly features?: bigint;
  /** Size of every queue; default: what the device offers. */
  readonly queueSize?: number;
  /** Guest RAM in bytes (default 16 MiB), or a memory of the caller's with RAM at 0. */
  readonly memory?: number | GuestMemory;
  /** Submit through indirect tables by default (default false). */
  readonly indirect?: boolean;
  /** Default `msix`. */
  readonly interrupts?: 'msix' | 'intx';
  /** Does not look at the configuration space when it changes (default false). */
  readonly deaf?: boolean;
}

const INDIRECT_DESC = 1n << 28n;
const EVENT_IDX = 1n << 29n;

export class MockDriver {
  readonly memory: GuestMemory;
  readonly heap: MockHeap;
  readonly file: RegisterFile;
  readonly function: VirtioFunction;
  readonly runner: DeviceRunner;
  readonly registers: MockRegisters;
  readonly interrupts: MockInterrupts;
  readonly control = new MemoryBell();
  readonly doorbells: readonly MemoryBell[];
  /** What the driver accepted in {@link negotiate}. */
  features = 0n;
  readonly #options: MockDriverOptions;
  readonly #queues: MockQueue[] = [];
  readonly #sizes: readonly number[];
  #reason: string | undefined;

  private constructor(model: DeviceModel, service: DeviceService, options: MockDriverOptions) {
    this.#options = options;
    this.#sizes = model.queueSizes;
    this.memory =
      options.memory instanceof GuestMemory
        ? options.memory
        : new GuestMemory([{ gpa: 0, bytes: new Uint8Array(options.memory ?? 16 * 1024 * 1024) }]);
    this.heap = new MockHeap(this.memory, 4096, this.memory.regions[0]!.bytes.length);
    this.interrupts = new MockInterrupts(this);
    this.doorbells = model.queueSizes.map(() => new MemoryBell());
    this.file = RegisterFile.create(64 * 1024);
    this.function = new VirtioFunction({
      model,
      registers: this.file,
      memory: this.memory,
      interrupts: this.interrupts,
      control: this.control,
      doorbells: this.doorbells,
    });
    this.function.reset();
    const { transport } = this.function;
    const { needsReset } = transport;
    transport.needsReset = reason => {
      this.#reason ??= reason;
      needsReset.call(transport, reason);
    };
    const { memory, control, doorbells } = this;
    this.runner = new DeviceRunner({ transport, service, memory, control, doorbells });
    this.runner.start();
    this.registers = new MockRegisters(this.function);
  }

  /** The device after power-on, untouched. */
  static create(model: DeviceModel, service: DeviceService, options: MockDriverOptions = {}): MockDriver {
    return new MockDriver(model, service, options);
  }

  /** {@link create}, then negotiation, all queues enabled, DRIVER_OK. */
  static async start(model: DeviceModel, service: DeviceService, options: MockDriverOptions = {}): Promise<MockDriver> {
    const driver = new MockDriver(model, service, options);
    driver.negotiate();
    driver.setUp();
    return driver;
  }

  /** ACKNOWLEDGE, DRIVER, features, FEATURES_OK. Returns whether the device agreed. */
  negotiate(features = this.#options.features ?? ~0n): boolean {
    this.status = 1;
    this.status = 3;
    this.features = this.offered & features;
    for (const [select, shift] of [
      [0, 0n],
      [1, 32n],
    ] as const) {
      this.registers.set('driver_feature_select', select);
      this.registers.set('driver_feature', Number((this.features >> shift) & 0xffff_ffffn));
    }
    this.status = 0xb;
    return (this.status & 8) !== 0;
  }

  /** Interrupts, all queues, DRIVER_OK. */
  setUp(): void {
    const msix = this.#options.interrupts !== 'intx';
    this.registers.enableMsix(this.#sizes.length + 1, msix);
    if (msix) this.registers.set('config_msix_vector', 0);
    for (let index = 0; index < this.#sizes.length; index++) this.enableQueue(index);
    this.status = 0xf;
  }

  /** Lays out fresh rings for a queue and enables it. */
  enableQueue(index: number): MockQueue {
    const { registers: r, memory, heap } = this;
    const size = Math.min(this.#options.queueSize ?? 1024, this.#sizes[index]!);
    r.set('queue_select', index);
    const notify = r.notifyOffset();
    const queue = new MockQueue({
      memory,
      heap,
      index,
      size,
      eventIdx: (this.features & EVENT_IDX) !== 0n,
      indirect: (this.#options.indirect ?? false) && (this.features & INDIRECT_DESC) !== 0n,
      kick: () => r.write(notify, 2, index),
    });
    this.#queues[index] = queue;
    r.set('queue_size', size);
    r.setAddress('queue_desc', queue.desc);
    r.setAddress('queue_driver', queue.avail);
    r.setAddress('queue_device', queue.used);
    if (this.#options.interrupts !== 'intx') r.set('queue_msix_vector', index + 1);
    r.set('queue_enable', 1);
    return queue;
  }

  queue(index: number): MockQueue {
    const queue = this.#queues[index];
    if (queue === undefined) throw new Error(`queue ${index} is not set up`);
    return queue;
  }

  get queues(): readonly MockQueue[] {
    return this.#queues;
  }

  get offered(): bigint {
    let features = 0n;
    for (const select of [1, 0]) {
      this.registers.set('device_feature_select', select);
      features = (features << 32n) | BigInt(this.registers.get('device_feature'));
    }
    return features;
  }

  get status(): number {
    return this.registers.get('device_status');
  }
  set status(value: number) {
    this.registers.set('device_status', value);
  }

  /** Why the device asked for a reset, if it did. */
  get needsReset(): string | undefined {
    return this.status & 0x40 ? (this.#reason ?? 'the driver wrote something wrong') : undefined;
  }

  get configInterrupts(): number {
    return this.interrupts.config;
  }

  /** What a configuration change interrupt is for. */
  configChanged(): void {
    if (!this.#options.deaf) this.readConfig();
  }

  /** A copy of the device configuration space, read until its generation holds still (4.1.4.3.1). */
  readConfig(): Uint8Array {
    const there = this.registers.capabilities.get('device');
    const bytes = new Uint8Array(there?.length ?? 0);
    let generation: number;
    do {
      generation = this.registers.get('config_generation');
      for (let i = 0; i < bytes.length; i++) bytes[i] = this.registers.read(there!.offset + i, 1);
    } while (generation !== this.registers.get('config_generation'));
    return bytes;
  }

  writeConfig(offset: number, width: Width, value: number): void {
    this.registers.write(this.registers.capability('device').offset + offset, width, value);
  }

  /** Resets the device, waiting as a driver does until status reads 0. {@link negotiate} and {@link setUp} may follow. */
  async reset(): Promise<void> {
    this.status = 0;
    while (this.status !== 0) await new Promise<void>(resolve => setImmediate(resolve));
    this.#reason = undefined;
    this.#queues.length = 0;
  }

  /** Stops the device, waits for its loops, and closes the service. */
  async stop(): Promise<void> {
    await this.runner.close();
  }
}
