/**
 * The block device at work. A loop takes requests and starts them; each runs to its end by itself, so as many are in flight as
 * the driver queues, and they complete in any order, as virtio allows. A flush covers the writes that were completed before it.
 */
import { HostError } from '../../base/errors.ts';
import type { DeviceHandle, DeviceService } from '../../virtio/device.ts';
import type { Chain, Virtqueue } from '../../virtio/virtqueue.ts';
import { fillScattered, scatteredLength } from '../scatter.ts';
import type { BlockBackend } from './backend.ts';
import { Capacity } from './capacity.ts';
import { GroupSync } from './group-sync.ts';
import { HostFaults } from './host-faults.ts';
import { Eager, InFlight, Turn } from './pacing.ts';
import type { DiskRange } from './ranges.ts';
import { BLOCK_CONFIG, type BlockConfig, F, isWriteBack } from './registers.ts';
import { type BlockAction, type BlockRequest, ID_BYTES, parseBlockRequest, S } from './request.ts';

/** What a request came to: its status, and how many bytes from the start of the writable part were written. */
interface Outcome {
  readonly status: number;
  readonly written: number;
}
const OK: Outcome = { status: S.OK, written: 0 };
const FAILED: Outcome = { status: S.IOERR, written: 0 };

export class BlockService implements DeviceService {
  readonly #config: BlockConfig;
  readonly #backend: BlockBackend;
  readonly #sync: GroupSync;
  readonly #faults: HostFaults;
  readonly #capacity: Capacity;
  /** Of the driver's session; the same for all queues. */
  #device: DeviceHandle | undefined;
  #lossTold = false;

  constructor(config: BlockConfig, backend: BlockBackend) {
    const who = `${config.name} (${backend.label})`;
    this.#config = config;
    this.#backend = backend;
    this.#sync = new GroupSync(() => backend.flush());
    this.#faults = new HostFaults(who);
    this.#capacity = new Capacity(who, backend, config.sectors);
  }

  async serve(_index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    const inFlight = new InFlight();
    const turn = new Turn();
    const eager = new Eager();
    this.#begin(device);
    try {
      for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
        const done = this.#start(chain, queue, device);
        if (done !== undefined) inFlight.add(done);
        const lookUp = done ? eager.begun() : turn.spend(chain.readableLength + chain.writableLength);
        if (lookUp) await turn.end();
      }
    } finally {
      await inFlight.ended();
    }
  }

  /** The driver may have chosen write-through, which makes what it wrote before durable as well. */
  configWritten(_device: DeviceHandle): void {
    void this.#flush();
  }

  /** Throws HostError if the host could not keep what it was given. */
  async settle(): Promise<void> {
    try {
      await this.#sync.run();
    } catch (error) {
      throw this.#unkept(error);
    }
  }

  reset(): void {
    this.#device = undefined;
  }

  async close(): Promise<void> {
    this.#capacity.stop();
    try {
      await this.#backend.close();
    } catch (error) {
      // Said once is enough: settling meets the same fault first.
      if (this.#lossTold) return;
      throw this.#unkept(error);
    }
  }

  #unkept(error: unknown): HostError {
    this.#lossTold = true;
    const { code, message } = error as NodeJS.ErrnoException;
    return new HostError(
      `The host could not keep all that was written to ${this.#backend.label} (${code ?? message}).`,
      'Look after its disk, and check the image.',
      { errno: code ?? 'unknown', cause: error },
    );
  }

  /** The first queue of a session gets the device ready for it. */
  #begin(device: DeviceHandle): void {
    if (this.#device !== undefined) return;
    this.#device = device;
    startInWriteThrough(device);
    this.#capacity.look();
    this.#tellCapacity();
    this.#capacity.watch(() => this.#tellCapacity());
  }

  #tellCapacity(): void {
    const capacity = BigInt(this.#capacity.sectors);
    if (this.#device === undefined || BLOCK_CONFIG.over(this.#device.readConfig()).capacity === capacity) return;
    this.#device.changeConfig(config => {
      BLOCK_CONFIG.over(config).capacity = capacity;
    });
  }

  /** Starts a request. Undefined when it is complete already. Throws DriverError for one that cannot be answered. */
  #start(chain: Chain, queue: Virtqueue, device: DeviceHandle): Promise<void> | undefined {
    const { readOnly, discardUnit } = this.#config;
    const { sectors } = this.#capacity;
    const request = parseBlockRequest(chain, { sectors, readOnly, discards: discardUnit !== undefined });
    const outcome = this.#act(request.action, device);
    if (!(outcome instanceof Promise)) {
      finish(queue, chain, request, outcome);
      return undefined;
    }
    return outcome.then(result => finish(queue, chain, request, result));
  }

  #act(action: BlockAction, device: DeviceHandle): Outcome | Promise<Outcome> {
    switch (action.kind) {
      case 'refuse':
        return { status: action.status, written: 0 };
      case 'identify': {
        const id = new Uint8Array(ID_BYTES);
        new TextEncoder().encodeInto(this.#config.serial, id);
        return { status: S.OK, written: fillScattered(action.data, id) };
      }
      case 'read':
        return this.#read(action.offset, action.data);
      case 'write':
        return this.#write(action.offset, action.data, writeBackOn(device));
      case 'discard':
        return this.#discard(action.ranges);
      case 'zero':
        return this.#zero(action.ranges, writeBackOn(device));
      case 'flush':
        return this.#flush();
    }
  }

  #read(offset: number, data: readonly Uint8Array[]): Outcome | Promise<Outcome> {
    const wanted = scatteredLength(data);
    const check = (count: number): Outcome => {
      if (count === wanted) return { status: S.OK, written: count };
      this.#faults.report('read', new Error('the image ends early, somebody has shortened it'));
      return { status: S.IOERR, written: count };
    };
    try {
      const count = this.#backend.read(offset, data);
      return typeof count === 'number' ? check(count) : count.then(check, this.#faults.reporter('read', FAILED));
    } catch (error) {
      return this.#faults.reporter('read', FAILED)(error);
    }
  }

  #write(offset: number, data: readonly Uint8Array[], writeBack: boolean): Outcome | Promise<Outcome> {
    const failed = this.#faults.reporter('write', FAILED);
    try {
      return this.#backend.write(offset, data, !writeBack)?.then(() => OK, failed) ?? OK;
    } catch (error) {
      return failed(error);
    }
  }

  async #discard(ranges: readonly DiskRange[]): Promise<Outcome> {
    try {
      for (const { offset, length } of ranges) await this.#backend.discard(offset, length);
      return OK;
    } catch (error) {
      return this.#faults.reporter('discard', FAILED)(error);
    }
  }

  async #zero(ranges: readonly DiskRange[], writeBack: boolean): Promise<Outcome> {
    const mayUnmap = this.#config.discardUnit !== undefined;
    try {
      for (const { offset, length, unmap } of ranges)
        await this.#backend.writeZeroes(offset, length, unmap && mayUnmap);
    } catch (error) {
      return this.#faults.reporter('write', FAILED)(error);
    }
    return writeBack ? OK : this.#flush();
  }

  #flush(): Promise<Outcome> {
    return this.#sync.run().then(() => OK, this.#faults.reporter('flush', FAILED));
  }
}

/**
 * Answers a request. The used length counts bytes from the start of the writable part without a gap (2.7.8.2), so the status byte
 * behind data that was not all written does not count.
 */
function finish(queue: Virtqueue, chain: Chain, request: BlockRequest, { status, written }: Outcome): void {
  request.status[0] = status;
  queue.complete(chain, written === request.room ? written + 1 : written);
}

function writeBackOn(device: DeviceHandle): boolean {
  return isWriteBack(device.features, () => device.readConfig());
}

/** 5.2.5.2: a driver that can set the cache mode but cannot flush starts in write-through mode. */
function startInWriteThrough(device: DeviceHandle): void {
  if ((device.features & (F.CONFIG_WCE | F.FLUSH)) !== F.CONFIG_WCE) return;
  if (BLOCK_CONFIG.over(device.readConfig()).writeback === 0) return;
  device.changeConfig(config => {
    BLOCK_CONFIG.over(config).writeback = 0;
  });
}
