/**
 * The terminal that tslaunch was started on, as a console for the guest: keys, screen, window size. Whatever happens, it is left
 * as it was found.
 */
import type { Readable, Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import type { ConsoleBackend, WindowSize } from '../devices/console/backend.ts';
import { windowSize } from '../host/terminal.ts';
import { Input } from './terminal/input.ts';
import { InterruptKey } from './terminal/interrupt-key.ts';
import { Output } from './terminal/output.ts';
import { RawMode } from './terminal/raw-mode.ts';

/** What a guest is told when there is no window, or one that does not know its size. */
const DEFAULT_SIZE: WindowSize = { columns: 80, rows: 24 };
/** How long {@link Terminal.close} waits for a reader of our output that does not read, in ms. */
const FLUSH_MS = 2000;

/** Signals that end the process; SIGINT is none of the keyboard's in raw mode, but may be sent. */
const ENDING = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;
export type EndingSignal = (typeof ENDING)[number];

export interface TerminalOptions {
  /** ^C was pressed three times within a second. Called again for three more. */
  readonly onInterrupt: () => void;
  /** A signal asks the process to end. Without this the terminal is put back and the signal takes its course. */
  readonly onSignal?: (signal: EndingSignal) => void;
}

export class Terminal implements ConsoleBackend {
  readonly #input: Input;
  readonly #output: Output;
  readonly #raw: RawMode | undefined;
  readonly #options: TerminalOptions;
  readonly #listeners = new Set<() => void>();

  /** Takes over standard input and output, and puts a terminal on standard input into raw mode. */
  constructor(options: TerminalOptions) {
    this.#options = options;
    const stdin: Readable & { isTTY?: boolean } = process.stdin;
    const tty = stdin.isTTY === true;
    const key = new InterruptKey();
    const seen = (bytes: Uint8Array) => {
      if (key.typed(bytes)) options.onInterrupt();
    };
    for (const signal of ENDING) process.on(signal, this.#signal);
    process.on('SIGWINCH', this.#resized);
    this.#output = new Output(process.stdout as Writable);
    this.#raw = tty ? new RawMode(stdin as ReadStream) : undefined;
    this.#raw?.enter();
    this.#input = new Input(stdin, tty ? { tty, seen } : { tty });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#output.write(bytes);
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#input.read();
  }

  /** Of the first of standard output, input and error that is a terminal. */
  size(): WindowSize {
    return windowSize(1) ?? windowSize(0) ?? windowSize(2) ?? DEFAULT_SIZE;
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Lets the last output out and gives the terminal back. Safe to call twice. Where the other side never reads, what is left
   * over keeps the event loop alive: end the process with `process.exit`.
   */
  async close(): Promise<void> {
    await this.#output.flush(FLUSH_MS);
    this.#input.close();
    this.#raw?.leave();
    process.off('SIGWINCH', this.#resized);
    for (const signal of ENDING) process.off(signal, this.#signal);
  }

  readonly #resized = (): void => {
    for (const listener of this.#listeners) listener();
  };

  readonly #signal = (signal: NodeJS.Signals): void => {
    if (this.#options.onSignal !== undefined) {
      this.#options.onSignal(signal as EndingSignal);
      return;
    }
    this.#raw?.leave();
    process.off(signal, this.#signal);
    process.kill(process.pid, signal);
  };
}
