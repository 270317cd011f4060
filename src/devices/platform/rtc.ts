/**
 * The clock and its battery-backed memory at ports 0x70 and 0x71 (Motorola MC146818A). Time comes from outside; what the guest
 * sets is kept as a difference to it. The clock raises no interrupts: alarm registers are memory. Reads never meet an update in
 * progress, so kernels that wait for its end do not wait.
 */
import { MiB, type Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import { PCI_HOLE_START, ramRanges } from '../../memory/map.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';
import { decodeTime, encodeTime, RTC, STATUS_B, TIME_REGISTERS } from './rtc-time.ts';

const CMOS_SIZE = 128;
/** Behind the memory: the chosen index, and at a multiple of 8 what the guest's clock is ahead, in ms (float64). */
const INDEX = CMOS_SIZE;
const AHEAD = CMOS_SIZE + 8;
const SLICE_BYTES = AHEAD + 8;

/** Oscillator on, 1024 Hz; the update bit (7) is never set. */
const STATUS_A = 0x26;
const STATUS_A_BITS = 0x7f;
/** Battery good. */
const STATUS_D = 0x80;
const READ_ONLY: readonly number[] = [RTC.statusC, RTC.statusD];

/** Where a PC's firmware leaves the memory size: little-endian, low byte at the first offset. */
const MEMORY_SIZE = {
  /** KiB below 1 MiB. */
  base: [0x15, 0x16],
  /** KiB above 1 MiB, at most 65535; written twice. */
  extended: [0x17, 0x18],
  extendedAgain: [0x30, 0x31],
  /** 64 KiB units above 16 MiB. */
  above16M: [0x34, 0x35],
  /** 64 KiB units above 4 GiB. */
  above4G: [0x5b, 0x5c, 0x5d],
} as const;
const BASE_KIB = 640;

const NAMES: Readonly<Record<number, string>> = {
  ...Object.fromEntries(Object.entries(RTC).map(([name, at]) => [at, name])),
  1: 'secondsAlarm',
  3: 'minutesAlarm',
  5: 'hoursAlarm',
};

export interface RtcOptions {
  readonly registers: RegisterFile;
  /** Guest RAM in bytes. */
  readonly memorySize: number;
  /** Milliseconds since 1970, UTC; `Date.now` outside of tests. */
  readonly now: () => number;
}

export class Rtc implements RegisterBlock {
  readonly name = 'rtc';
  readonly #slice: Slice;
  readonly #ahead: DataView;
  readonly #options: RtcOptions;

  constructor(options: RtcOptions) {
    this.#options = options;
    this.#slice = options.registers.slice(this.name, SLICE_BYTES);
    const { buffer, byteOffset } = this.#slice.bytes;
    this.#ahead = new DataView(buffer, byteOffset + AHEAD, 8);
  }

  /**
   * What a PC's firmware writes at each start. The rest of the memory, and what the guest set its clock to, are on battery:
   * a restart does not touch them. One thread, before the guest (re)starts.
   */
  reset(): void {
    const bytes = this.#slice.bytes;
    bytes[INDEX] = 0;
    bytes[RTC.statusA] = STATUS_A;
    bytes[RTC.statusB] = STATUS_B.hours24;
    bytes[RTC.statusD] = STATUS_D;
    const { memorySize } = this.#options;
    const high = ramRanges(memorySize).find(range => range.gpa > PCI_HOLE_START)?.length ?? 0;
    const low = memorySize - high;
    const extended = Math.min(Math.max(low - MiB, 0) / 1024, 0xffff);
    this.#store(MEMORY_SIZE.base, BASE_KIB);
    this.#store(MEMORY_SIZE.extended, extended);
    this.#store(MEMORY_SIZE.extendedAgain, extended);
    this.#store(MEMORY_SIZE.above16M, Math.min(Math.max(low - 16 * MiB, 0) / 65536, 0xffff));
    this.#store(MEMORY_SIZE.above4G, Math.min(high / 65536, 0xff_ffff));
  }

  read(offset: number, width: Width): number {
    if (width !== 1) return this.read(offset, 1) + this.read(offset + 1, 1) * 256;
    // The index port cannot be read back.
    if (offset !== 1) return 0xff;
    return this.#slice.lock.with(() => {
      const index = this.#slice.bytes[INDEX]!;
      if (TIME_REGISTERS.includes(index) && !this.#stopped) encodeTime(this.#slice.bytes, this.#time(), this.#statusB);
      return this.#slice.bytes[index]!;
    });
  }

  write(offset: number, width: Width, value: number): void {
    if (width !== 1) {
      this.write(offset, 1, value & 0xff);
      this.write(offset + 1, 1, (value >>> 8) & 0xff);
      return;
    }
    this.#slice.lock.with(() => {
      // Bit 7 of the index port masks the non-maskable interrupt, which nothing here raises.
      if (offset === 0) this.#slice.bytes[INDEX] = value & (CMOS_SIZE - 1);
      else if (offset === 1) this.#writeMemory(this.#slice.bytes[INDEX]!, value);
    });
  }

  /** Names what the data port stands for at this moment. */
  registerName(offset: number): string | undefined {
    if (offset === 0) return 'index';
    const index = this.#slice.bytes[INDEX]!;
    return NAMES[index] ?? `cmos[${index}]`;
  }

  #writeMemory(index: number, value: number): void {
    const bytes = this.#slice.bytes;
    if (READ_ONLY.includes(index)) return;
    const wasStopped = this.#stopped;
    if (!wasStopped) encodeTime(bytes, this.#time(), this.#statusB);
    bytes[index] = index === RTC.statusA ? value & STATUS_A_BITS : value;
    // Set while the clock stands still, taken over when it runs again; a register written while it runs takes effect at once.
    const setsTime = TIME_REGISTERS.includes(index) && !wasStopped;
    const runsAgain = wasStopped && !this.#stopped;
    if (setsTime || runsAgain) this.#setTime(decodeTime(bytes, this.#statusB));
  }

  get #statusB(): number {
    return this.#slice.bytes[RTC.statusB]!;
  }

  /** Bit 7 of status register B stops updates, so that software can set the time. */
  get #stopped(): boolean {
    return (this.#statusB & STATUS_B.set) !== 0;
  }

  #time(): number {
    return this.#options.now() + this.#ahead.getFloat64(0);
  }

  #setTime(milliseconds: number): void {
    if (Number.isFinite(milliseconds)) this.#ahead.setFloat64(0, milliseconds - this.#options.now());
  }

  #store(offsets: readonly number[], value: number): void {
    offsets.forEach((at, i) => {
      this.#slice.bytes[at] = Math.floor(value / 256 ** i) & 0xff;
    });
  }
}
