/** A driver in a test: starts a device model with its service and speaks to it through rings. */
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { DeviceHandle, DeviceModel, DeviceService } from '../../src/virtio/device.ts';
import { RING_EVENT_IDX, RING_INDIRECT_DESC, TRANSPORT_FEATURES } from '../../src/virtio/features.ts';
import { SplitQueue } from '../../src/virtio/split-queue.ts';
import { MemoryBell } from './memory-bell.ts';
import { MockHeap } from './mock-heap.ts';
import { MockQueue } from './mock-queue.ts';

export interface MockDriverOptions {
  /** Driver features asked for (masked by what is offered); default: all that is offered. */
  readonly features?: bigint;
  /** Size of every queue; default: what the device offers. */
  readonly queueSize?: number;
  /** Guest RAM in bytes (default 16 MiB), or a memory of the caller's. */
  readonly memory?: number | GuestMemory;
  /** Submit through indirect tables by default (default false). */
  readonly indirect?: boolean;
}

export class MockDriver {
  readonly memory: GuestMemory;
  readonly heap: MockHeap;
  readonly features: bigint;
  /** Why the device asked for a reset, if it did. */
  needsReset: string | undefined;
  configInterrupts = 0;
  readonly #queues: MockQueue[] = [];
  readonly #device: SplitQueue[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #service: DeviceService;
  readonly #config: Uint8Array;

  private constructor(model: DeviceModel, service: DeviceService, options: MockDriverOptions) {
    this.memory =
      options.memory instanceof GuestMemory
        ? options.memory
        : new GuestMemory([{ gpa: 0, bytes: new Uint8Array(options.memory ?? 16 * 1024 * 1024) }]);
    this.heap = new MockHeap(this.memory, 4096, this.memory.size);
    this.features = (options.features ?? ~0n) & (model.features | TRANSPORT_FEATURES);
    this.#service = service;
    this.#config = model.config.slice();
    const handle: DeviceHandle = {
      name: model.name,
      features: this.features,
      changeConfig: change => {
        change(this.#config);
        this.configInterrupts++;
      },
      readConfig: () => this.#config.slice(),
      needsReset: reason => {
        this.needsReset = reason;
        for (const queue of this.#device) queue.stop();
      },
    };
    const eventIdx = (this.features & RING_EVENT_IDX) !== 0n;
    model.queueSizes.forEach((max, index) => {
      const bell = new MemoryBell();
      const size = Math.min(options.queueSize ?? max, max);
      const indirect = options.indirect ?? false;
      const kick = () => bell.ring();
      const queue = new MockQueue({ memory: this.memory, heap: this.heap, index, size, eventIdx, indirect, kick });
      const device = new SplitQueue({
        index,
        memory: this.memory,
        layout: queue,
        eventIdx,
        indirect: (this.features & RING_INDIRECT_DESC) !== 0n,
        doorbell: bell,
        interrupt: () => queue.collect(),
      });
      this.#queues.push(queue);
      this.#device.push(device);
      this.#loops.push(
        service.serve(index, device, handle).catch(error => {
          handle.needsReset(String(error));
        }),
      );
    });
  }

  /** Negotiates, sets up all queues, and lets the service run. */
  static async start(model: DeviceModel, service: DeviceService, options: MockDriverOptions = {}): Promise<MockDriver> {
    return new MockDriver(model, service, options);
  }

  queue(index: number): MockQueue {
    const queue = this.#queues[index];
    if (queue === undefined) throw new Error(`the device has no queue ${index}`);
    return queue;
  }

  /** A copy of the device configuration space. */
  readConfig(): Uint8Array {
    return this.#config.slice();
  }

  /** Stops the device and waits for its loops. */
  async stop(): Promise<void> {
    for (const queue of this.#device) queue.stop();
    await Promise.all(this.#loops);
    await this.#service.close?.();
  }
}
