/**
 * Standard output as the guest's screen: in order, no byte lost, as fast as the other side reads. When that side goes away
 * (`tslaunch ... | head`), the guest goes on without output, as under QEMU: it may have more to do than to be looked at.
 */
import type { Writable } from 'node:stream';
import { log } from '../../base/log.ts';

export class Output {
  readonly #stream: Writable;
  #last: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #gone = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    // Write callbacks carry the error too; without a listener it would end the process.
    stream.on('error', error => this.#lose(error));
    // Node lets writes to a terminal block; main must not wait for one that is stuck.
    const handle = (stream as Writable & { _handle?: { setBlocking?: (blocking: boolean) => void } })._handle;
    handle?.setBlocking?.(false);
  }

  /** Resolves when the kernel has the bytes, or when there is nobody to take them. */
  write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#gone) return this.#last;
    this.#last = new Promise(resolve => {
      this.#waiting.add(resolve);
      this.#stream.write(bytes, error => {
        if (error) this.#lose(error);
        this.#waiting.delete(resolve);
        resolve();
      });
    });
    return this.#last;
  }

  /** Resolves when all that was written is out, or given up. Takes as long as the reader does. */
  flush(): Promise<void> {
    return this.#last;
  }

  /** Whoever ends us has waited long enough for a reader that does not read: in `ms`, what is not out by then is lost. */
  giveUpIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#gone = true;
      for (const resolve of this.#waiting) resolve();
    }, ms).unref();
  }

  #lose(error: NodeJS.ErrnoException): void {
    if (this.#gone) return;
    this.#gone = true;
    log.warn(`standard output is gone (${error.code ?? error.message}); the guest goes on without it.`);
  }
}
