/**
 * The terminal in raw mode: every key goes to the guest. It is put back on every way out: the end, an exception, `process.exit`,
 * a signal, a stop by job control. Node keeps the settings it found and restores exactly those.
 */
import type { ReadStream } from 'node:tty';
import { log } from '../../base/log.ts';

export class RawMode {
  readonly #stream: ReadStream;
  #active = false;

  constructor(stream: ReadStream) {
    this.#stream = stream;
  }

  enter(): void {
    this.#active = true;
    this.#set(true);
    process.on('exit', this.#restore);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#resume);
  }

  leave(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#restore();
    process.off('exit', this.#restore);
    process.off('SIGTSTP', this.#suspend);
    process.off('SIGCONT', this.#resume);
  }

  readonly #restore = (): void => this.#set(false);

  /** Somebody else's `kill -TSTP` (^Z itself goes to the guest): the shell gets its terminal back before we stop. */
  readonly #suspend = (): void => {
    this.#set(false);
    process.kill(process.pid, 'SIGSTOP');
  };

  /** Also after a SIGSTOP, which came without warning: Node thinks the terminal is raw still, so it is told both ways. */
  readonly #resume = (): void => {
    this.#set(false);
    this.#set(true);
  };

  #set(raw: boolean): void {
    try {
      this.#stream.setRawMode(raw);
    } catch {
      // The terminal has hung up: there is nothing left to put back.
    }
    log.setRawTerminal(raw);
  }
}
