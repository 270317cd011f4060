/**
 * The reset control register at 0xCF9, which chipsets put among the PCI configuration ports; the FADT names it as the reset
 * register (ACPI 6.5, 4.8.3.6), and kernels try it on their own.
 */
import type { Width } from '../../base/bits.ts';
import type { RegisterBlock } from '../../bus/register-block.ts';
import type { PowerSwitch } from '../../bus/triggers.ts';
import type { RegisterFile, Slice } from '../../state/register-file.ts';

const RESET_CPU = 0x04;
/** Kind of reset (hard, full); without effect here, but kept as chipsets do. */
const RESET_KIND = 0x0a;

/** One byte (Intel PIIX3 data sheet, 2.5.6): writing bit 2 resets. */
export class ResetControl implements RegisterBlock {
  readonly name = 'reset-control';
  readonly #slice: Slice;
  readonly #power: PowerSwitch;

  constructor(registers: RegisterFile, power: PowerSwitch) {
    this.#slice = registers.slice(this.name, 1);
    this.#power = power;
  }

  reset(): void {
    this.#slice.bytes[0] = 0;
  }

  read(): number {
    return this.#slice.bytes[0]!;
  }

  write(_offset: number, _width: Width, value: number): void {
    this.#slice.bytes[0] = value & RESET_KIND;
    if (value & RESET_CPU) this.#power.reset();
  }

  registerName(): string {
    return 'RST_CNT';
  }
}
