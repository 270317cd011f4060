/** A console's other side in memory: what was written to it, and what it is made to type. */
import type { ConsoleBackend, ConsolePort, WindowSize } from '../../../src/devices/console/backend.ts';
import { OutputBuffer } from '../../../src/devices/console/output-buffer.ts';

export class MemoryConsole implements ConsoleBackend {
  readonly written: Uint8Array[] = [];
  window: WindowSize = { columns: 100, rows: 30 };
  reads = 0;
  readonly #input: (Uint8Array | undefined)[] = [];
  readonly #listeners = new Set<() => void>();
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;
  #stuck: Promise<void> | undefined;

  get output(): Buffer {
    return Buffer.concat(this.written);
  }
  get listeners(): number {
    return this.#listeners.size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#stuck;
    this.written.push(bytes.slice());
  }

  /** Takes nothing until the returned function is called. */
  stick(): () => void {
    let release = () => {};
    this.#stuck = new Promise(resolve => {
      release = resolve;
    });
    return () => {
      this.#stuck = undefined;
      release();
    };
  }

  read(): Promise<Uint8Array | undefined> {
    this.reads++;
    if (this.#input.length > 0) return Promise.resolve(this.#input.shift());
    return new Promise(resolve => {
      this.#reader = resolve;
    });
  }

  /** Types bytes, or ends the input. */
  type(bytes: Uint8Array | string | undefined): void {
    const input = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader) reader(input);
    else this.#input.push(input);
  }

  size(): WindowSize {
    return this.window;
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  resize(columns: number, rows: number): void {
    this.window = { columns, rows };
    for (const listener of this.#listeners) listener();
  }
}

/** The only port of a terminal. */
export function portOf(terminal: ConsoleBackend): ConsolePort {
  return {
    output: new OutputBuffer(bytes => terminal.write(bytes)),
    read: () => terminal.read(),
    size: () => terminal.size(),
    onResize: listener => terminal.onResize(listener),
  };
}

/** Lets everything that is ready run. */
export const turn = () => new Promise<void>(resolve => setTimeout(resolve, 5));
