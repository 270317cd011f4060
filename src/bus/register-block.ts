/**
 * What every emulated device looks like from a bus: reads and writes of 1, 2 or 4 bytes at an offset inside its range. Wider
 * accesses (8-byte MMIO) are split by the bus, low half first, as a 32-bit PCI bus would.
 */
import { hex, type Width } from '../base/bits.ts';

export interface RegisterBlock {
  /** For traces and statistics, for example `serial`. */
  readonly name: string;
  /** Returns an unsigned value of `width` bytes. */
  read(offset: number, width: Width): number;
  /** `value` is unsigned and fits `width` bytes. */
  write(offset: number, width: Width, value: number): void;
  /** What the register at `offset` is called, for traces; undefined where there is none. */
  registerName?(offset: number): string | undefined;
}

/** `serial.LSR`, or `serial+0x5` where the block has no name for the offset. */
export function describeRegister(block: RegisterBlock, offset: number): string {
  const register = block.registerName?.(offset);
  return register === undefined ? `${block.name}+${hex(offset)}` : `${block.name}.${register}`;
}
