/**
 * The serial port, a 16550 with its FIFO. What the guest sends goes into a ring that main empties; what main types goes into
 * another that the guest reads.
 *
 * Nothing is lost: a full transmit ring holds the vCPU until main has read from it, and resetting the receive FIFO keeps what
 * is queued, as if it had still been on the wire.
 */
import type { Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import type { Bell, InterruptLine } from '../../bus/triggers.ts';
import { ByteRing } from '../../state/byte-ring.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';
import { Uart } from './uart.ts';

const RING_BYTES = 4096;
/** Offset of the data register. */
const DATA = 0;

export interface SerialOptions {
  /** Unique in a machine, for example `serial0`. */
  readonly name: string;
  readonly registers: RegisterFile;
  readonly line: InterruptLine;
  /** Rung after the guest has sent a byte into an empty ring: main empties {@link Serial.transmitted}. */
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
  readonly #uart: Uart;
  readonly #options: SerialOptions;

  constructor(options: SerialOptions) {
    const { name, registers } = options;
    this.name = name;
    this.#options = options;
    this.#slice = registers.slice(name, Uart.SLICE_BYTES);
    this.transmitted = new ByteRing(registers.slice(`${name}-tx`, ByteRing.bytesFor(RING_BYTES)));
    this.received = new ByteRing(registers.slice(`${name}-rx`, ByteRing.bytesFor(RING_BYTES)));
    this.#uart = new Uart(this.#slice.bytes, options.line, () => this.received.length);
  }

  /** Registers as after power-on. What is queued in either direction stays. One thread, before the guest (re)starts. */
  reset(): void {
    this.#slice.lock.with(() => this.#uart.reset());
  }

  /** For main, after it has pushed into {@link received}: interrupts the guest if it wants that. */
  notifyReceived(): void {
    this.#slice.lock.with(() => this.#uart.updateLine());
  }

  get receiveInterruptEnabled(): boolean {
    return this.#uart.receiveInterruptEnabled;
  }

  /** OUT2, through which the interrupt goes on a PC. Here it goes anyway. */
  get interruptGateOpen(): boolean {
    return this.#uart.interruptGateOpen;
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
    return this.#uart.registerAt(offset)?.name;
  }

  #readByte(offset: number): number {
    if (offset === DATA && !this.#uart.latch) return this.#receive();
    return this.#slice.lock.with(() => {
      const value = this.#uart.registerAt(offset)?.read(this.#uart) ?? 0xff;
      this.#uart.updateLine();
      return value;
    });
  }

  #writeByte(offset: number, value: number): void {
    // Sending may have to wait for main, which itself may want the lock: it happens outside of it.
    if (offset === DATA && !this.#uart.latch) {
      this.#send(value);
      return;
    }
    this.#slice.lock.with(() => {
      this.#uart.registerAt(offset)?.write(this.#uart, value);
      this.#uart.updateLine();
    });
  }

  #send(value: number): void {
    let lost = false;
    if (this.#uart.loopback) lost = this.received.tryPush(value) === 0;
    else if (this.transmitted.push(value, this.#options.stopping) === 1) this.#options.sent.ring();
    this.#slice.lock.with(() => {
      if (lost) this.#uart.overrun();
      this.#uart.sent();
    });
  }

  #receive(): number {
    const [value, left] = this.#slice.lock.with(() => {
      const byte = this.received.pop();
      this.#uart.updateLine();
      return [byte, this.received.length];
    });
    if (value !== undefined && left === 0) this.#options.drained.ring();
    return value ?? 0;
  }
}
