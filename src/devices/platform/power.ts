/**
 * How a guest switches itself off and hears of the power button: the fixed hardware of ACPI (ACPI 6.5, 4.8.3.1 PM1 event and
 * 4.8.3.2 PM1 control registers).
 */
import type { Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import { RegisterTable } from '../../bus/register-table.ts';
import type { InterruptLine, PowerSwitch } from '../../bus/triggers.ts';
import { SLEEP_TYPE_S5 } from '../../memory/map.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';

/** Size of the block in bytes: PM1a event at 0 (status, enable), PM1a control at 4. */
export const PM_BLOCK_SIZE = 6;

const STATUS = 0;
const ENABLE = 2;
const CONTROL = 4;
/** Timer, bus master, global, power button, sleep button, RTC, PCIe wake, wake. */
const STATUS_BITS = 0xc731;
const ENABLE_BITS = 0x4721;
const POWER_BUTTON = 0x0100;
/** Hardware is always in ACPI mode: there is no SMI command port to leave it by. */
const SCI_EN = 0x0001;
const SLP_TYP_SHIFT = 10;
const SLP_EN = 0x2000;
/** BM_RLD and SLP_TYP; GBL_RLS and SLP_EN are write-only and read zero. */
const CONTROL_BITS = 0x1c02;

const TABLE = new RegisterTable(PM_BLOCK_SIZE, [
  { name: 'PM1_STS', offset: STATUS, width: 2, clearedByOne: STATUS_BITS },
  { name: 'PM1_EN', offset: ENABLE, width: 2, writable: ENABLE_BITS },
  { name: 'PM1_CNT', offset: CONTROL, width: 2, writable: CONTROL_BITS, reset: SCI_EN },
]);

export interface PowerManagementOptions {
  readonly registers: RegisterFile;
  /** System control interrupt, level triggered. */
  readonly sci: InterruptLine;
  readonly power: PowerSwitch;
}

export class PowerManagement implements RegisterBlock {
  readonly name = 'acpi-pm';
  readonly #slice: Slice;
  readonly #options: PowerManagementOptions;

  constructor(options: PowerManagementOptions) {
    this.#options = options;
    this.#slice = options.registers.slice(this.name, PM_BLOCK_SIZE);
  }

  /** Registers as after power-on. One thread, before the guest (re)starts. */
  reset(): void {
    this.#slice.lock.with(() => {
      TABLE.reset(this.#slice.bytes);
      this.#options.sci.set(false);
    });
  }

  /** Presses the power button. Returns whether the guest listens to it (its ACPI driver has enabled the event). */
  pressPowerButton(): boolean {
    return this.#slice.lock.with(() => {
      const bytes = this.#slice.bytes;
      this.#followSci(() => TABLE.poke(bytes, 'PM1_STS', TABLE.read(bytes, STATUS, 2) | POWER_BUTTON));
      return (TABLE.read(bytes, ENABLE, 2) & POWER_BUTTON) !== 0;
    });
  }

  read(offset: number, width: Width): number {
    return this.#slice.lock.with(() => TABLE.read(this.#slice.bytes, offset, width));
  }

  write(offset: number, width: Width, value: number): void {
    const sleeps = this.#slice.lock.with(() => {
      const bytes = this.#slice.bytes;
      this.#followSci(() => TABLE.write(bytes, offset, width, value));
      // SLP_EN is in the second byte of the control register, whichever width it is written with.
      const at = CONTROL + 1 - offset;
      const enable = at >= 0 && at < width && ((value >>> (8 * at)) & (SLP_EN >>> 8)) !== 0;
      return enable && (TABLE.read(bytes, CONTROL, 2) >>> SLP_TYP_SHIFT) % 8 === SLEEP_TYPE_S5;
    });
    // Outside the lock: whoever stops the machine may look at it.
    if (sleeps) this.#options.power.powerOff();
  }

  registerName(offset: number): string | undefined {
    return TABLE.nameAt(offset);
  }

  #sci(): boolean {
    return (TABLE.read(this.#slice.bytes, STATUS, 2) & TABLE.read(this.#slice.bytes, ENABLE, 2)) !== 0;
  }

  #followSci(change: () => void): void {
    const before = this.#sci();
    change();
    const after = this.#sci();
    if (after !== before) this.#options.sci.set(after);
  }
}
