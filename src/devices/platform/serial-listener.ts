/**
 * When a guest reads from its serial port. Linux's driver (drivers/tty/serial/8250, autoconfig) enables every interrupt for a moment to see
 * what kind of port it has; what is typed just then would be thrown away when the driver clears the FIFO. Who means it opens the gate
 * to the interrupt line as well (OUT2 on a PC), or, where nobody told it of the gate, leaves the interrupt enabled.
 */
import type { Serial } from './serial.ts';

/** How long the interrupt must have been enabled behind a gate that is shut, in ms. */
const STEADY_MS = 500;

export class SerialListener {
  readonly #serial: Pick<Serial, 'receiveInterruptEnabled' | 'interruptGateOpen'>;
  readonly #now: () => number;
  /** Since when it has been enabled, as far as anybody looked. */
  #since: number | undefined;

  constructor(
    serial: Pick<Serial, 'receiveInterruptEnabled' | 'interruptGateOpen'>,
    now: () => number = () => performance.now(),
  ) {
    this.#serial = serial;
    this.#now = now;
  }

  /** Looked at often while there is something to hand on. */
  get listening(): boolean {
    if (!this.#serial.receiveInterruptEnabled) {
      this.#since = undefined;
      return false;
    }
    if (this.#serial.interruptGateOpen) return true;
    this.#since ??= this.#now();
    return this.#now() - this.#since >= STEADY_MS;
  }
}
