/**
 * The narrow handles through which a device reaches the machine: an interrupt line, the message-signalled vectors of a PCI
 * function, the power switch. Implemented over KVM by the machine and by recorders in tests; a device never sees more.
 */
export type { Bell, BellWaiter } from '../base/bell.ts';

/** A level on a wire: the device drives it, the interrupt controller decides what it means. */
export interface InterruptLine {
  set(asserted: boolean): void;
}

/**
 * What a PCI function may do to the interrupt controllers. May be called from any thread, always with the function's lock
 * held, so that a message cannot overtake the change of its route: implementations ask the function for nothing but what
 * takes no lock (its MSI-X messages and enable bit).
 */
export interface PciInterrupts {
  /** Drives the function's INTx pin. The caller has already looked at the command register's interrupt-disable bit. */
  setIntx(asserted: boolean): void;
  /** Sends the message in MSI-X table entry `vector`; the caller has looked at enable and mask bits. */
  signalMsix(vector: number): void;
  /**
   * What an unmasked MSI-X table entry would send changed, or a mask or enable bit did: whoever routes messages must look at
   * the table again before this returns. `vector` tells which entry; any of them may have changed when it is absent.
   */
  msixChanged(vector?: number): void;
}

/** How a guest ends or restarts itself. */
export interface PowerSwitch {
  powerOff(): void;
  reset(): void;
}
