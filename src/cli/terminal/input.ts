/**
 * Standard input as the guest's keyboard. From a file or pipe every byte passes, and the source waits when the guest does not take
 * them. A terminal is always read, even if nobody takes what is typed: that is how ^C^C^C reaches us from a guest that hangs.
 */
import type { Readable } from 'node:stream';
import { KiB, MiB } from '../../base/bits.ts';
import { log } from '../../base/log.ts';

/** Unread bytes beyond which a pipe is paused. */
const PAUSE_AT = 64 * KiB;
/** Unread bytes beyond which what is typed at a terminal is lost: nobody types this much into a guest that does not listen. */
const DROP_AT = 1 * MiB;

export interface InputOptions {
  /** Bytes are typed rather than piped. */
  readonly tty: boolean;
  /** Sees all bytes as they come, whoever takes them later. */
  readonly seen?: (bytes: Uint8Array) => void;
}

export class Input {
  readonly #stream: Readable;
  readonly #options: InputOptions;
  readonly #chunks: Uint8Array[] = [];
  #waiting = 0;
  #ended = false;
  #dropped = false;
  #reader: ((bytes: Uint8Array | undefined) => void) | undefined;

  constructor(stream: Readable, options: InputOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('data', this.#data);
    stream.on('end', this.#end);
    stream.on('close', this.#end);
    // EIO after a hangup, EISDIR for a directory: no more input, and no reason to end the guest.
    stream.on('error', this.#end);
  }

  /** The next bytes, at least one; undefined at the end of the input. One reader at a time. */
  read(): Promise<Uint8Array | undefined> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#waiting -= chunk.length;
      if (this.#waiting <= PAUSE_AT && this.#stream.isPaused()) this.#stream.resume();
      return Promise.resolve(chunk);
    }
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise(resolve => {
      this.#reader = resolve;
    });
  }

  /** Lets go of the stream, so that it no longer keeps the process alive. */
  close(): void {
    this.#stream.off('data', this.#data);
    this.#stream.pause();
    this.#end();
    (this.#stream as Readable & { unref?: () => void }).unref?.();
  }

  readonly #data = (bytes: Uint8Array): void => {
    this.#options.seen?.(bytes);
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader(bytes);
    else if (this.#options.tty && this.#waiting > DROP_AT) this.#drop();
    else this.#keep(bytes);
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#reader?.(undefined);
    this.#reader = undefined;
  };

  #keep(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#waiting += bytes.length;
    if (!this.#options.tty && this.#waiting > PAUSE_AT) this.#stream.pause();
  }

  #drop(): void {
    if (!this.#dropped) log.warn('the guest does not read its console; what is typed from here on is lost.');
    this.#dropped = true;
  }
}
