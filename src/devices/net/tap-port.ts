/** A queue of a tap as a port of the wire: what errno means for a frame, and what it says about the interface. */
import type { TapQueue } from '../../host/tap.ts';
import type { NetPort, SendResult } from './backend.ts';

/** By errno; what is not here says that the interface is no more. */
const SEND_ERRORS: Readonly<Record<string, SendResult>> = {
  EAGAIN: 'busy',
  ENOBUFS: 'busy',
  ENOMEM: 'busy',
  EINTR: 'busy',
  // The interface is down.
  EIO: 'down',
  // A header the kernel does not understand, or one that does not fit its frame.
  EINVAL: 'refused',
  EMSGSIZE: 'refused',
  EFAULT: 'refused',
  EOPNOTSUPP: 'refused',
};

export class TapPort implements NetPort {
  readonly #queue: TapQueue;
  readonly #broken: () => void;
  #gone = false;

  /** `broken` is called when the interface turns out to be no more. */
  constructor(queue: TapQueue, broken: () => void) {
    this.#queue = queue;
    this.#broken = broken;
  }

  read(buffers: readonly ArrayBufferView[]): number {
    const length = this.#queue.read(buffers);
    if (typeof length === 'number') return length;
    if (length !== 'EAGAIN' && length !== 'EINTR') this.#lost();
    return 0;
  }

  write(buffers: readonly ArrayBufferView[]): SendResult {
    const length = this.#queue.write(buffers);
    if (typeof length === 'number') return 'sent';
    const result = SEND_ERRORS[length];
    if (result === undefined) this.#lost();
    return result ?? 'down';
  }

  /** An interface that is no more would call back at once, for ever. */
  listen(callback: () => void): void {
    if (this.#gone) this.#queue.rest();
    else this.#queue.listen(callback);
  }

  rest(): void {
    this.#queue.rest();
  }

  #lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#broken();
  }
}
