/**
 * The CD-ROM drive at work. Commands are decided on the spot; reads of blocks run to their end by themselves, as many at a time as the
 * driver queues, straight into guest memory. Task management waits for them.
 */
import { DriverError, describeError } from '../../base/errors.ts';
import type { DeviceHandle, DeviceService } from '../../virtio/device.ts';
import type { Chain, Virtqueue } from '../../virtio/virtqueue.ts';
import { HostFaults } from '../block/host-faults.ts';
import { Turn } from '../block/pacing.ts';
import { fillScattered, sliceScattered } from '../scatter.ts';
import type { CdromBackend } from './backend.ts';
import { execute, executeForAbsentUnit } from './commands.ts';
import { answerControl, parseControlRequest } from './control.ts';
import { Drive } from './drive.ts';
import { BLOCK, type CdromConfig, fieldSizes, QUEUE, wrongSizes } from './registers.ts';
import { answer, type Outcome, parseScsiRequest, RESPONSE, type ScsiRequest } from './request.ts';
import { SENSE } from './sense.ts';
import { TaskManagement } from './task-management.ts';
import { Tasks } from './tasks.ts';

const failed = (response: number): Outcome => ({ kind: 'transport', response });

export class CdromService implements DeviceService {
  readonly #backend: CdromBackend;
  readonly #drive: Drive;
  readonly #tasks = new Tasks();
  readonly #management: TaskManagement;
  readonly #faults: HostFaults;

  constructor(config: CdromConfig, backend: CdromBackend) {
    this.#backend = backend;
    this.#drive = new Drive(backend.blocks, config.serial);
    this.#management = new TaskManagement(this.#tasks, this.#drive);
    this.#faults = new HostFaults(`${config.name} (${backend.label})`);
  }

  async serve(index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    if (index === QUEUE.control) return this.#serveControl(queue);
    if (index >= QUEUE.request) return this.#serveCommands(queue, device);
    // Neither HOTPLUG nor CHANGE is offered, so there is no event to tell: the driver's buffers stay where they are (5.6.6.3).
    await queue.stopped;
  }

  configWritten(device: DeviceHandle): void {
    const wrong = wrongSizes(fieldSizes(device.readConfig()));
    if (wrong) device.needsReset(wrong);
  }

  reset(): void {
    this.#drive.powerOn();
  }

  save(): unknown {
    return this.#drive.save();
  }

  restore(state: unknown): void {
    this.#drive.restore(state);
  }

  async close(): Promise<void> {
    await this.#backend.close();
  }

  async #serveControl(queue: Virtqueue): Promise<void> {
    for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
      const request = parseControlRequest(chain);
      const response = await this.#management.run(request);
      queue.complete(chain, answerControl(chain, request, response));
    }
  }

  async #serveCommands(queue: Virtqueue, device: DeviceHandle): Promise<void> {
    const turn = new Turn();
    try {
      for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
        if (this.#start(chain, queue, device) && turn.spend(chain.writableLength)) await turn.end();
      }
    } finally {
      await this.#tasks.ended();
    }
  }

  /** Starts a command; true when it is complete already. Throws DriverError for one that cannot be answered. */
  #start(chain: Chain, queue: Virtqueue, device: DeviceHandle): boolean {
    const sizes = fieldSizes(device.readConfig());
    const wrong = wrongSizes(sizes);
    if (wrong) throw new DriverError(wrong);
    const request = parseScsiRequest(chain, sizes);
    const finish = (outcome: Outcome) => queue.complete(chain, answer(chain, request, sizes, outcome));
    const outcome = this.#act(request);
    if (!(outcome instanceof Promise)) {
      finish(outcome);
      return true;
    }
    const done = outcome.then(finish).catch(error => device.needsReset(describeError(error)));
    this.#tasks.add(request.id, done);
    return false;
  }

  #act(request: ScsiRequest): Outcome | Promise<Outcome> {
    if (request.to === 'no-target') return failed(RESPONSE.badTarget);
    // Data both ways was not negotiated (INOUT), and no command has them.
    if (request.outLength > 0 && request.room > 0) return failed(RESPONSE.failure);
    const answered = request.to === 'drive' ? execute(this.#drive, request.cdb) : executeForAbsentUnit(request.cdb);
    switch (answered.kind) {
      case 'refuse':
        return { kind: 'check', sense: answered.sense };
      case 'data':
        if (answered.bytes.length > request.room) return failed(RESPONSE.overrun);
        return { kind: 'good', written: fillScattered(request.data, answered.bytes) };
      case 'read':
        return this.#read(answered.block * BLOCK, answered.count * BLOCK, request);
    }
  }

  #read(offset: number, length: number, { data, room }: ScsiRequest): Outcome | Promise<Outcome> {
    if (length > room) return failed(RESPONSE.overrun);
    if (length === 0) return { kind: 'good', written: 0 };
    const check = (count: number): Outcome => {
      if (count === length) return { kind: 'good', written: count };
      return unreadable(new Error('the image ends early, somebody has shortened it'));
    };
    const unreadable = (error: unknown): Outcome => {
      this.#faults.report('read', error);
      return { kind: 'check', sense: SENSE.unreadable };
    };
    try {
      const count = this.#backend.read(offset, sliceScattered(data, 0, length));
      return typeof count === 'number' ? check(count) : count.then(check, unreadable);
    } catch (error) {
      return unreadable(error);
    }
  }
}
