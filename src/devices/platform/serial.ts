/**
 * The serial port, a 16550 with its FIFO. What the guest sends goes into a ring that main empties; what main types goes into
 * another that the guest reads. Sending takes no time, so the transmitter is always empty and its interrupt is due whenever the
 * guest enables it or has written something: that is the rule Linux's driver tests for at start ("THRE test").
 *
 * Nothing is lost: a full transmit ring holds the vCPU until main has read from it, and resetting the receive FIFO keeps what
 * is queued, as if it had still been on the wire.
 */
import type { Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import type { Bell, InterruptLine } from '../../bus/triggers.ts';
import { ByteRing } from '../../state/byte-ring.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';
import {
  DEFAULT_DIVISOR,
  FCR,
  IER,
  IIR,
  LCR,
  LSR,
  MCR,
  MSR,
  RECEIVE_TRIGGERS,
  UART,
  uartRegisterName,
} from './serial-registers.ts';

/** Bytes of the slice. */
const AT = { ier: 0, fcr: 1, lcr: 2, mcr: 3, scr: 4, dll: 5, dlm: 6, transmitDue: 7, overrun: 8, level: 9 } as const;
const SLICE_BYTES = 10;
const RING_BYTES = 4096;

export interface SerialOptions {
  /** Unique in a machine, for example `serial0`. */
  readonly name: string;
  readonly registers: RegisterFile;
  readonly line: InterruptLine;
  /** Rung after the guest has sent a byte: main empties {@link Serial.transmitted}. */
  readonly sent: Bell;
  /** Rung after the guest has read the last byte queued for it: main may push more into {@link Serial.received}. */
  readonly drained: Bell;
  /** True once the machine stops: a vCPU then no longer waits for room in the transmit ring. */
  readonly stopping: () => boolean;
}

export class Serial implements RegisterBlock {
  readonly name: string;
  /** Bytes from the guest. Main empties it completely at every ring of the bell. */
  readonly transmitted: ByteRing;
  /** Bytes to the guest. Main pushes, then calls {@link notifyReceived}. */
  readonly received: ByteRing;
  readonly #slice: Slice;
  readonly #options: SerialOptions;

  constructor(options: SerialOptions) {
    const { name, registers } = options;
    this.name = name;
    this.#options = options;
    this.#slice = registers.slice(name, SLICE_BYTES);
    this.transmitted = new ByteRing(registers.slice(`${name}-tx`, ByteRing.bytesFor(RING_BYTES)));
    this.received = new ByteRing(registers.slice(`${name}-rx`, ByteRing.bytesFor(RING_BYTES)));
  }

  /** Registers as after power-on. What is queued in either direction stays. One thread, before the guest (re)starts. */
  reset(): void {
    this.#slice.lock.with(() => {
      const bytes = this.#slice.bytes;
      bytes.fill(0);
      bytes[AT.dll] = DEFAULT_DIVISOR;
      this.#options.line.set(false);
    });
  }

  /** For main, after it has pushed into {@link received}: interrupts the guest if it wants that. */
  notifyReceived(): void {
    this.#slice.lock.with(() => this.#updateLine());
  }

  /** Whether the guest listens. Before it does, what is typed should wait, as nobody would read it. */
  get receiveInterruptEnabled(): boolean {
    return (this.#slice.bytes[AT.ier]! & IER.receive) !== 0;
  }

  read(offset: number, width: Width): number {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#readByte(offset + i);
    return value;
  }

  write(offset: number, width: Width, value: number): void {
    for (let i = 0; i < width; i++) this.#writeByte(offset + i, (value >>> (8 * i)) & 0xff);
  }

  registerName(offset: number): string | undefined {
    return uartRegisterName(offset, this.#latch);
  }

  get #latch(): boolean {
    return (this.#slice.bytes[AT.lcr]! & LCR.divisorLatch) !== 0;
  }

  #readByte(offset: number): number {
    if (offset === UART.data && !this.#latch) return this.#receive();
    return this.#slice.lock.with(() => {
      const bytes = this.#slice.bytes;
      switch (offset) {
        case UART.data:
          return bytes[AT.dll]!;
        case UART.ier:
          return this.#latch ? bytes[AT.dlm]! : bytes[AT.ier]!;
        case UART.iir:
          return this.#identify();
        case UART.lcr:
          return bytes[AT.lcr]!;
        case UART.mcr:
          return bytes[AT.mcr]!;
        case UART.lsr:
          return this.#lineStatus();
        case UART.msr:
          return this.#modemStatus();
        default:
          return bytes[AT.scr]!;
      }
    });
  }

  #writeByte(offset: number, value: number): void {
    // Sending may have to wait for main, which itself may want the lock: it happens outside of it.
    if (offset === UART.data && !this.#latch) {
      this.#send(value);
      return;
    }
    this.#slice.lock.with(() => {
      const bytes = this.#slice.bytes;
      if (offset === UART.data) bytes[AT.dll] = value;
      else if (offset === UART.ier && this.#latch) bytes[AT.dlm] = value;
      else if (offset === UART.ier) {
        // Enabling the transmit interrupt while the transmitter is empty makes it due at once.
        if (value & ~bytes[AT.ier]! & IER.transmit) bytes[AT.transmitDue] = 1;
        bytes[AT.ier] = value & IER.all;
      } else if (offset === UART.iir) bytes[AT.fcr] = value;
      else if (offset === UART.lcr) bytes[AT.lcr] = value;
      else if (offset === UART.mcr) bytes[AT.mcr] = value & MCR.all;
      else if (offset === UART.scr) bytes[AT.scr] = value;
      this.#updateLine();
    });
  }

  #send(value: number): void {
    const bytes = this.#slice.bytes;
    if (bytes[AT.mcr]! & MCR.loop) {
      if (!this.received.tryPush(value)) bytes[AT.overrun] = 1;
    } else {
      this.transmitted.push(value, this.#options.stopping);
      this.#options.sent.ring();
    }
    this.#slice.lock.with(() => {
      bytes[AT.transmitDue] = 1;
      this.#updateLine();
    });
  }

  #receive(): number {
    const [value, left] = this.#slice.lock.with(() => {
      const byte = this.received.pop();
      this.#updateLine();
      return [byte, this.received.length];
    });
    if (value !== undefined && left === 0) this.#options.drained.ring();
    return value ?? 0;
  }

  /** The interrupt of the highest priority that is enabled and due (PC16550D, table V). */
  #pending(): number {
    const bytes = this.#slice.bytes;
    const enabled = bytes[AT.ier]!;
    const waiting = this.received.length;
    if (enabled & IER.line && bytes[AT.overrun]) return IIR.line;
    if (enabled & IER.receive && waiting > 0) {
      const fifo = bytes[AT.fcr]! & FCR.enable;
      const trigger = RECEIVE_TRIGGERS[bytes[AT.fcr]! >>> FCR.triggerShift]!;
      // Below the trigger level the timeout has passed already: bytes arrive as fast as they ever will.
      return fifo && waiting < trigger ? IIR.timeout : IIR.receive;
    }
    return enabled & IER.transmit && bytes[AT.transmitDue] ? IIR.transmit : IIR.none;
  }

  /** Reading the identification acknowledges the transmit interrupt, if that is what it says. */
  #identify(): number {
    const pending = this.#pending();
    if (pending === IIR.transmit) {
      this.#slice.bytes[AT.transmitDue] = 0;
      this.#updateLine();
    }
    return this.#slice.bytes[AT.fcr]! & FCR.enable ? pending | IIR.fifo : pending;
  }

  #lineStatus(): number {
    const bytes = this.#slice.bytes;
    const overrun = bytes[AT.overrun] ? LSR.overrun : 0;
    bytes[AT.overrun] = 0;
    if (overrun) this.#updateLine();
    return LSR.holdingEmpty | LSR.idle | overrun | (this.received.length > 0 ? LSR.dataReady : 0);
  }

  /** A cable with somebody at its other end; in loopback the modem control outputs (PC16550D, 8.6.7). */
  #modemStatus(): number {
    const control = this.#slice.bytes[AT.mcr]!;
    if (!(control & MCR.loop)) return MSR.cts | MSR.dsr | MSR.carrier;
    return (
      (control & MCR.rts ? MSR.cts : 0) |
      (control & MCR.dtr ? MSR.dsr : 0) |
      (control & MCR.out1 ? MSR.ring : 0) |
      (control & MCR.out2 ? MSR.carrier : 0)
    );
  }

  /** ISA lines are edge triggered: the line must fall whenever nothing is pending, or the next edge is lost. */
  #updateLine(): void {
    const level = this.#pending() === IIR.none ? 0 : 1;
    if (this.#slice.bytes[AT.level] === level) return;
    this.#slice.bytes[AT.level] = level;
    this.#options.line.set(level === 1);
  }
}
