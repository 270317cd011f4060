/**
 * One terminal, two ports: the serial port and the virtio console both write to it, each byte after those that the guest knew to
 * be sent before, whichever port they went to. What is typed goes to whichever the guest
 * listens at: the serial port while its driver reads there, the virtio console otherwise. What nobody takes waits here, and
 * the terminal with it.
 */
import type { ConsoleBackend, ConsolePort } from './backend.ts';
import { OutputBuffer } from './output-buffer.ts';

/** A serial port, as far as the two ports have to do with each other. */
export interface SerialSide {
  /** The guest reads from it. Before it does, what is typed should wait, as nobody would read it. */
  readonly listening: boolean;
  /** Takes as many bytes as fit and returns how many. */
  push(bytes: Uint8Array): number;
  /** Adds what the guest has sent there to {@link ConsoleRouter.output}, as far as there is room. */
  write(): void;
}

/** How often waiting input looks for a taker, in ms; a serial port that has room may call {@link ConsoleRouter.wake} sooner. */
const LOOK_MS = 10;
const NOTHING = new Uint8Array(0);

export class ConsoleRouter {
  /** What both ports write to: on its way to the terminal. */
  readonly output: OutputBuffer;
  /** The terminal as the virtio console has it. */
  readonly console: ConsolePort;
  readonly #terminal: ConsoleBackend;
  #serial: SerialSide | undefined;
  /** Input that nobody has taken yet. */
  #held: Uint8Array = NOTHING;
  #ended = false;
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #taken: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(terminal: ConsoleBackend) {
    this.#terminal = terminal;
    const output = new OutputBuffer(bytes => terminal.write(bytes));
    this.output = output;
    this.console = {
      output: {
        add: bytes => {
          // What the guest said on the serial port before may still gather there.
          this.#serial?.write();
          return output.add(bytes);
        },
        room: () => output.room(),
        flushed: () => output.flushed(),
      },
      size: () => terminal.size(),
      onResize: listener => terminal.onResize(listener),
      read: () => this.#read(),
    };
    void this.#pump();
  }

  /** The machine's serial port, or none while there is no machine. */
  attachSerial(serial: SerialSide | undefined): void {
    this.#serial = serial;
    this.wake();
  }

  /** A port may take input now: look at once. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#offer();
  }

  /** Stops looking for takers. Input that was not taken is dropped. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #pump(): Promise<void> {
    for (let bytes = await this.#terminal.read(); bytes !== undefined; bytes = await this.#terminal.read()) {
      if (this.#closed) return;
      this.#held = bytes;
      await new Promise<void>(resolve => {
        this.#taken = resolve;
        this.#offer();
      });
    }
    this.#ended = true;
    this.#reader?.(undefined);
  }

  #read(): Promise<Uint8Array | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise(resolve => {
      this.#reader = resolve;
      this.#offer();
    });
  }

  /** Gives held input to whom it belongs at this moment; looks again later while some is left. */
  #offer(): void {
    if (this.#closed || this.#held.length === 0) return;
    if (this.#serial?.listening) {
      this.#held = this.#held.subarray(this.#serial.push(this.#held));
    } else if (this.#reader !== undefined) {
      const give = this.#reader;
      this.#reader = undefined;
      give(this.#held);
      this.#held = NOTHING;
    }
    if (this.#held.length === 0) this.#taken?.();
    else this.#timer ??= setTimeout(() => this.wake(), LOOK_MS);
  }
}
