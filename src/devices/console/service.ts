/**
 * The console at work. Output is copied once and returned to the driver at once, as long as there is less than a
 * batch of it outstanding: Linux spins until its buffer comes back. Input waits for the guest's buffers, and the source waits for us.
 */

import { within } from '../../virtio/deadline.ts';
import type { DeviceHandle, DeviceService } from '../../virtio/device.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { fillScattered } from '../scatter.ts';
import type { ConsolePort } from './backend.ts';
import { PAUSE_MS, untilListening } from './listening.ts';
import { append, type Output } from './output-buffer.ts';
import { CONSOLE_CONFIG, type ConsoleModel, RECEIVE_QUEUE } from './registers.ts';
import { parseOutput, parseRoom } from './request.ts';
import { UntilStopped } from './until-stopped.ts';

const NOTHING = new Uint8Array(0);
/** How long a pause waits for output that is on its way, in ms. */
const SETTLE_MS = 1000;

/**
 * Linux (drivers/char/virtio_console.c) forgets a window's size that it hears of before its terminal is there, which is some time after
 * the driver has started. Where there is output there is a terminal, or soon will be: the first few outputs are followed by a reminder.
 */
const REMINDERS = 8;

export class ConsoleService implements DeviceService {
  readonly #model: Pick<ConsoleModel, 'emergency'>;
  readonly #backend: ConsolePort;
  readonly #output: Output;
  readonly #pauseMs: number;
  /** Input that was read and has not fitted into the guest's buffers; survives a reset. */
  #leftover: Uint8Array = NOTHING;
  /** A read that is under way; survives a reset too, so that no byte is lost. */
  #reading: Promise<void> | undefined;
  #inputEnded = false;
  /** Chains of output so far. */
  #outputs = 0;
  /** Emergency writes on their way into the output. */
  #emergency: Promise<void> = Promise.resolve();

  constructor(model: Pick<ConsoleModel, 'emergency'>, backend: ConsolePort, pauseMs = PAUSE_MS) {
    this.#model = model;
    this.#backend = backend;
    this.#pauseMs = pauseMs;
    this.#output = backend.output;
  }

  serve(index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    return index === RECEIVE_QUEUE ? this.#receive(queue, device) : this.#transmit(queue, device);
  }

  configWritten(): void {
    const bytes = this.#model.emergency?.drain();
    if (bytes !== undefined && bytes.length > 0) {
      this.#emergency = this.#emergency.then(() => append(this.#output, bytes));
    }
  }

  /** Output has left the guest for good; a terminal that is stuck gets it later, and must not hold up a pause. */
  async settle(): Promise<void> {
    this.configWritten();
    await within(SETTLE_MS, this.#flushed());
  }

  /** The end: all output is out, however long the terminal takes. */
  async close(): Promise<void> {
    this.configWritten();
    await this.#flushed();
  }

  /** Input that the guest has not seen yet. */
  save(): unknown {
    return { input: Buffer.from(this.#leftover).toString('base64') };
  }

  restore(state: unknown): void {
    const input = (state as { input?: unknown } | undefined)?.input;
    this.#leftover = typeof input === 'string' ? Buffer.from(input, 'base64') : NOTHING;
  }

  async #flushed(): Promise<void> {
    await this.#emergency;
    await this.#output.flushed();
  }

  async #transmit(queue: Virtqueue, device: DeviceHandle): Promise<void> {
    let reminders = REMINDERS;
    const running = new UntilStopped(queue);
    for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
      for (const piece of parseOutput(chain)) {
        let rest = this.#output.add(piece);
        while (rest.length > 0 && !queue.stopping) {
          await running.wait(this.#output.room());
          rest = this.#output.add(rest);
        }
      }
      queue.complete(chain, 0);
      this.#outputs++;
      if (reminders-- > 0) this.#announce(device);
    }
  }

  async #receive(queue: Virtqueue, device: DeviceHandle): Promise<void> {
    const forget = this.#backend.onResize(() => this.#resize(device));
    const running = new UntilStopped(queue);
    try {
      this.#announce(device);
      await untilListening({ device, queue, running, outputs: () => this.#outputs, pauseMs: this.#pauseMs });
      for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
        const room = parseRoom(chain);
        if (this.#leftover.length === 0) {
          // A held chain would keep the queue from pausing for as long as nobody types.
          queue.unget();
          await running.wait(this.#moreInput());
          continue;
        }
        const count = fillScattered(room, this.#leftover);
        this.#leftover = this.#leftover.subarray(count);
        queue.complete(chain, count);
      }
    } finally {
      forget();
    }
  }

  /** Resolves when a read has ended: never again after the end of input, which is not the end of the guest. */
  #moreInput(): Promise<void> {
    if (this.#inputEnded) return new Promise(() => {});
    this.#reading ??= this.#read();
    return this.#reading;
  }

  async #read(): Promise<void> {
    const bytes = await this.#backend.read();
    this.#reading = undefined;
    if (bytes === undefined) this.#inputEnded = true;
    else this.#leftover = bytes;
  }

  /** Tells the driver about the window (5.3.4), if it has changed. */
  #resize(device: DeviceHandle): void {
    const { columns, rows } = this.#backend.size();
    const known = CONSOLE_CONFIG.over(device.readConfig());
    if (known.cols !== columns || known.rows !== rows) this.#announce(device);
  }

  /** A driver at its start is told in any case: Linux's reads the size only when it hears of a change. */
  #announce(device: DeviceHandle): void {
    const { columns, rows } = this.#backend.size();
    device.changeConfig(config => {
      const value = CONSOLE_CONFIG.over(config);
      value.cols = columns;
      value.rows = rows;
    });
  }
}
