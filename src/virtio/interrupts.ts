/**
 * How a virtio device interrupts (virtio 1.2, 4.1.4.5, 4.1.5.3 and 4.1.5.4): through the MSI-X vector that the driver gave to the
 * queue or to configuration changes, and while MSI-X is off through the ISR status byte and INTx. Never anything while a
 * vector is NO_VECTOR.
 */
import { ISR, NO_VECTOR, STATUS } from './layout.ts';
import type { TransportState } from './state.ts';

/** What the transport needs of the PCI function it lives in. May take the function's lock, never the device's. */
export interface FunctionInterrupts {
  /** Number of MSI-X table entries. */
  readonly vectors: number;
  /** Whether the driver uses MSI-X; INTx is then dead. */
  msixEnabled(): boolean;
  /** Sends an MSI-X vector's message, or keeps it pending while masked. */
  signal(vector: number): void;
  /** The device's interrupt condition, for INTx. */
  setIntx(asserted: boolean): void;
}

export class Interrupts {
  readonly #state: TransportState;
  readonly #pci: FunctionInterrupts;

  constructor(state: TransportState, pci: FunctionInterrupts) {
    this.#state = state;
    this.#pci = pci;
  }

  /** Used-buffer notification. Takes the device's lock for INTx only: the message path is the busy one. */
  queue(index: number): void {
    if (this.#pci.msixEnabled()) this.#send(this.#state.queues[index]!.vector);
    else this.#state.slice.lock.with(() => this.#raise(ISR.queue));
  }

  /**
   * Configuration change notification, with the device's lock held. None before DRIVER_OK (2.1.2). The ISR bit is set whoever
   * carries the interrupt (4.1.4.5.1).
   */
  config(): void {
    if ((this.#state.device.status & STATUS.driverOk) === 0) return;
    this.#raise(ISR.config);
    if (this.#pci.msixEnabled()) this.#send(this.#state.device.configVector);
  }

  /** Reads the ISR status with the device's lock held: takes its bits and lowers the line (4.1.4.5.1). */
  acknowledge(): number {
    const bits = this.#state.device.isr;
    this.#state.device.isr = 0;
    if (bits !== 0) this.#pci.setIntx(false);
    return bits;
  }

  /** After a reset nothing is pending. */
  lower(): void {
    this.#pci.setIntx(false);
  }

  /** A vector that the table does not have cannot be mapped: it reads back as NO_VECTOR (4.1.5.1.2.1). */
  mappable(vector: number): number {
    return vector < this.#pci.vectors ? vector : NO_VECTOR;
  }

  #raise(bit: number): void {
    this.#state.device.isr |= bit;
    if (!this.#pci.msixEnabled()) this.#pci.setIntx(true);
  }

  #send(vector: number): void {
    if (vector !== NO_VECTOR) this.#pci.signal(vector);
  }
}
