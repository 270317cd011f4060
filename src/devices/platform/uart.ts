/**
 * The registers of the 16550 as a table, over the bytes that hold them, and the rule for its interrupt. What travels through the
 * data register is the serial port's business. Every method is called with the port's lock held.
 *
 * Sending takes no time, so the transmitter is always empty and its interrupt is due whenever the guest enables it or has
 * written something: that is the rule which Linux's driver tests for at start ("THRE test").
 */
import type { InterruptLine } from '../../bus/triggers.ts';
import { DEFAULT_DIVISOR, FCR, IER, IIR, LCR, LSR, MCR, MSR, RECEIVE_TRIGGERS } from './serial-registers.ts';

/** Bytes of the slice. */
const AT = { ier: 0, fcr: 1, lcr: 2, mcr: 3, scr: 4, dll: 5, dlm: 6, transmitDue: 7, overrun: 8, level: 9 } as const;

interface UartRegister {
  readonly name: string;
  read(uart: Uart): number;
  write(uart: Uart, value: number): void;
}

/** A register that reads back what was written, bits outside `mask` as zero. */
const plain = (name: string, at: number, mask = 0xff): UartRegister => ({
  name,
  read: uart => uart.bytes[at]!,
  write: (uart, value) => {
    uart.bytes[at] = value & mask;
  },
});
const ignore = () => {};

/** By offset; offset 0 is the data register. */
const REGISTERS: readonly UartRegister[] = [
  { name: 'RBR/THR', read: () => 0, write: ignore },
  { ...plain('IER', AT.ier), write: (uart, value) => uart.enableInterrupts(value & IER.all) },
  { ...plain('IIR/FCR', AT.fcr), read: uart => uart.identify() },
  plain('LCR', AT.lcr),
  plain('MCR', AT.mcr, MCR.all),
  { name: 'LSR', read: uart => uart.lineStatus(), write: ignore },
  { name: 'MSR', read: uart => uart.modemStatus(), write: ignore },
  plain('SCR', AT.scr),
];
/** What hides the first two while the divisor latch is open. */
const LATCH: readonly UartRegister[] = [plain('DLL', AT.dll), plain('DLM', AT.dlm)];

export class Uart {
  static readonly SLICE_BYTES = 10;

  readonly bytes: Uint8Array;
  readonly #line: InterruptLine;
  /** How many received bytes wait for the guest. */
  readonly #waiting: () => number;

  constructor(bytes: Uint8Array, line: InterruptLine, waiting: () => number) {
    this.bytes = bytes;
    this.#line = line;
    this.#waiting = waiting;
  }

  reset(): void {
    this.bytes.fill(0);
    this.bytes[AT.dll] = DEFAULT_DIVISOR;
    this.#line.set(false);
  }

  /** The divisor latch is open: offsets 0 and 1 are the divisor. */
  get latch(): boolean {
    return (this.bytes[AT.lcr]! & LCR.divisorLatch) !== 0;
  }

  /** What is sent comes back. */
  get loopback(): boolean {
    return (this.bytes[AT.mcr]! & MCR.loop) !== 0;
  }

  get receiveInterruptEnabled(): boolean {
    return (this.bytes[AT.ier]! & IER.receive) !== 0;
  }

  get interruptGateOpen(): boolean {
    return (this.bytes[AT.mcr]! & MCR.out2) !== 0;
  }

  registerAt(offset: number): UartRegister | undefined {
    return this.latch && offset < LATCH.length ? LATCH[offset] : REGISTERS[offset];
  }

  /** A byte has left: the transmitter is empty again. */
  sent(): void {
    this.bytes[AT.transmitDue] = 1;
    this.updateLine();
  }

  /** A byte was lost because nobody reads. */
  overrun(): void {
    this.bytes[AT.overrun] = 1;
  }

  enableInterrupts(value: number): void {
    // Enabling the transmit interrupt while the transmitter is empty makes it due at once.
    if (value & ~this.bytes[AT.ier]! & IER.transmit) this.bytes[AT.transmitDue] = 1;
    this.bytes[AT.ier] = value;
  }

  /** Reading the identification acknowledges the transmit interrupt, if that is what it says. */
  identify(): number {
    const pending = this.#pending();
    if (pending === IIR.transmit) this.bytes[AT.transmitDue] = 0;
    return this.bytes[AT.fcr]! & FCR.enable ? pending | IIR.fifo : pending;
  }

  /** Reading the line status acknowledges an overrun. */
  lineStatus(): number {
    const overrun = this.bytes[AT.overrun] ? LSR.overrun : 0;
    this.bytes[AT.overrun] = 0;
    return LSR.holdingEmpty | LSR.idle | overrun | (this.#waiting() > 0 ? LSR.dataReady : 0);
  }

  /** A cable with somebody at its other end; in loopback the modem control outputs (PC16550D, 8.6.7). */
  modemStatus(): number {
    if (!this.loopback) return MSR.cts | MSR.dsr | MSR.carrier;
    const control = this.bytes[AT.mcr]!;
    return (
      (control & MCR.rts ? MSR.cts : 0) |
      (control & MCR.dtr ? MSR.dsr : 0) |
      (control & MCR.out1 ? MSR.ring : 0) |
      (control & MCR.out2 ? MSR.carrier : 0)
    );
  }

  /** ISA lines are edge triggered: the line must fall whenever nothing is pending, or the next edge is lost. */
  updateLine(): void {
    const level = this.#pending() === IIR.none ? 0 : 1;
    if (this.bytes[AT.level] === level) return;
    this.bytes[AT.level] = level;
    this.#line.set(level === 1);
  }

  /** The interrupt of the highest priority that is enabled and due (PC16550D, table V). */
  #pending(): number {
    const enabled = this.bytes[AT.ier]!;
    if (enabled & IER.line && this.bytes[AT.overrun]) return IIR.line;
    const waiting = enabled & IER.receive ? this.#waiting() : 0;
    if (waiting > 0) {
      const control = this.bytes[AT.fcr]!;
      // Below the trigger level the timeout has passed already: bytes arrive as fast as they ever will.
      const below = waiting < RECEIVE_TRIGGERS[control >>> FCR.triggerShift]!;
      return control & FCR.enable && below ? IIR.timeout : IIR.receive;
    }
    return enabled & IER.transmit && this.bytes[AT.transmitDue] ? IIR.transmit : IIR.none;
  }
}
