/**
 * The keyboard controller, with nothing plugged in: kernels reset the machine by pulsing its output line, and some look for a
 * keyboard at start. Silence would cost them half a second for each question, so commands are answered: the self-test passes,
 * both interface tests report a fault, and whatever is sent to a keyboard or mouse goes nowhere.
 */
import type { Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import type { PowerSwitch } from '../../bus/triggers.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';

/** Bytes of the slice. */
const AT = { full: 0, output: 1, mode: 2, expects: 3 } as const;
const SLICE_BYTES = 4;

/** Status register bits. */
const OUTPUT_FULL = 0x01;
const SYSTEM_FLAG = 0x04;

const READ_MODE = 0x20;
const WRITE_MODE = 0x60;
const WRITE_OUTPUT_PORT = 0xd1;
/** Both ports disabled, system flag set. */
const INITIAL_MODE = 0x34;
/** Output port: bit 0 is the processor's reset line (low resets), bit 1 address line 20. */
const NOT_RESET = 0x01;
const OUTPUT_PORT = 0x03;

/** Commands with a constant answer. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [0xaa, 0x55], // self-test passed
  [0xab, 0x01], // keyboard interface: clock line stuck low
  [0xa9, 0x01], // mouse interface: the same
  [0xc0, 0x80], // input port: keyboard not locked
  [0xd0, OUTPUT_PORT],
]);
/** Commands that take a byte at the data port: 0x60, output port, and bytes for keyboard, mouse and their buffers. */
const TAKES_DATA = [WRITE_MODE, WRITE_OUTPUT_PORT, 0xd2, 0xd3, 0xd4];
/** 0xF0 to 0xFF pulse the output lines whose bits are zero. */
const PULSE = 0xf0;

/** Two ports four apart (0x60 and 0x64): claimed as two blocks of one byte. */
export class I8042 {
  readonly #slice: Slice;
  readonly #power: PowerSwitch;

  constructor(registers: RegisterFile, power: PowerSwitch) {
    this.#slice = registers.slice('i8042', SLICE_BYTES);
    this.#power = power;
  }

  /** Registers as after power-on. One thread, before the guest (re)starts. */
  reset(): void {
    this.#slice.bytes.set([0, 0, INITIAL_MODE, 0]);
  }

  /** Port 0x60. */
  readonly data: RegisterBlock = {
    name: 'i8042',
    read: () => this.#slice.lock.with(() => this.#takeOutput()),
    write: (_offset, _width, value) => this.#afterwards(() => this.#dataWritten(value & 0xff)),
    registerName: () => 'data',
  };

  /** Port 0x64: status when read, command when written. */
  readonly command: RegisterBlock = {
    name: 'i8042',
    read: () => SYSTEM_FLAG | (this.#slice.bytes[AT.full] ? OUTPUT_FULL : 0),
    write: (_offset: number, _width: Width, value: number) => this.#afterwards(() => this.#commanded(value & 0xff)),
    registerName: () => 'status/command',
  };

  /** Runs a write under the lock; if it says so, resets the machine after the lock is free again. */
  #afterwards(write: () => boolean): void {
    if (this.#slice.lock.with(write)) this.#power.reset();
  }

  #takeOutput(): number {
    this.#slice.bytes[AT.full] = 0;
    return this.#slice.bytes[AT.output]!;
  }

  #answer(value: number): void {
    this.#slice.bytes[AT.output] = value;
    this.#slice.bytes[AT.full] = 1;
  }

  #commanded(command: number): boolean {
    this.#slice.bytes[AT.expects] = TAKES_DATA.includes(command) ? command : 0;
    const answer = command === READ_MODE ? this.#slice.bytes[AT.mode]! : ANSWERS.get(command);
    if (answer !== undefined) this.#answer(answer);
    return command >= PULSE && (command & NOT_RESET) === 0;
  }

  #dataWritten(value: number): boolean {
    const command = this.#slice.bytes[AT.expects]!;
    this.#slice.bytes[AT.expects] = 0;
    if (command === WRITE_MODE) this.#slice.bytes[AT.mode] = value;
    // 0xD2 and 0xD3 put the byte into the output buffer, as if a device had sent it. Without a mouse the latter comes back wrong.
    if (command === 0xd2) this.#answer(value);
    if (command === 0xd3) this.#answer(0);
    return command === WRITE_OUTPUT_PORT && (value & NOT_RESET) === 0;
  }
}
