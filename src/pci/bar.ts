/**
 * Base address registers (PCI Local Bus 3.0, 6.2.5.1). A BAR's low bits cannot be written: that is all there is to sizing, as
 * software that writes ones reads back the complement of the size.
 */
import { isPowerOfTwo, readLe } from '../base/bits.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { RegisterRow } from '../bus/register-table.ts';
import { COMMAND, CONFIG } from './config-header.ts';
import type { BarWindow } from './function.ts';

export interface BarDescription {
  readonly kind: 'memory32' | 'memory64' | 'io';
  /** Size in bytes, a power of two: at least 16 for memory, 4 for I/O. */
  readonly size: number;
  readonly block: RegisterBlock;
}

/** A BAR with its place among the six registers; a 64-bit one takes two. */
export interface PlacedBar extends BarDescription {
  /** Number of its (first) register, 0 to 5: what capabilities call the BAR indicator. */
  readonly register: number;
  /** Offset of that register in configuration space. */
  readonly offset: number;
}

const REGISTERS = 6;
const MEMORY_TYPE_64 = 0x4;
const IO_SPACE = 0x1;
const WORD = 2 ** 32;
/** Guest-physical addresses end here on every processor; a BAR sized with decoding on lies beyond for a moment. */
const HIGHEST_ADDRESS = 2 ** 52;

/** Gives BARs their registers, in order. Throws RangeError for impossible sizes and for more than six registers. */
export function placeBars(bars: readonly BarDescription[]): PlacedBar[] {
  let register = 0;
  return bars.map(bar => {
    if (!isPowerOfTwo(bar.size) || bar.size < (bar.kind === 'io' ? 4 : 16)) {
      throw new RangeError(`BAR of ${bar.block.name}: ${bar.size} bytes is no size for ${bar.kind}`);
    }
    if (bar.kind !== 'memory64' && bar.size > WORD / 2) throw new RangeError(`BAR of ${bar.block.name} needs 64 bits`);
    const placed = { ...bar, register, offset: CONFIG.bar0 + 4 * register };
    register += bar.kind === 'memory64' ? 2 : 1;
    if (register > REGISTERS) throw new RangeError('a function has six BAR registers; a 64-bit BAR takes two');
    return placed;
  });
}

/** Rows of all six registers; the unused ones read zero. */
export function barRows(bars: readonly PlacedBar[]): RegisterRow[] {
  const rows: RegisterRow[] = [];
  for (const { kind, size, register, offset } of bars) {
    const low = size >= WORD ? 0 : (WORD - size) >>> 0;
    const flags = kind === 'io' ? IO_SPACE : kind === 'memory64' ? MEMORY_TYPE_64 : 0;
    rows.push({ name: `BAR${register}`, offset, width: 4, writable: low, reset: flags });
    if (kind !== 'memory64') continue;
    const high = size > WORD ? (WORD - size / WORD) >>> 0 : WORD - 1;
    rows.push({ name: `BAR${register + 1}`, offset: offset + 4, width: 4, writable: high });
  }
  for (let i = 0; i < REGISTERS; i++) {
    const offset = CONFIG.bar0 + 4 * i;
    if (!rows.some(r => r.offset === offset)) rows.push({ name: `BAR${i}`, offset, width: 4 });
  }
  return rows;
}

/** Where the guest has put a BAR. Address 0 counts as not placed, as everywhere: RAM and the oldest ports are there. */
export function barWindow(config: Uint8Array, bar: PlacedBar): BarWindow {
  const low = readLe(config, bar.offset, 4);
  const high = bar.kind === 'memory64' ? readLe(config, bar.offset + 4, 4) : 0;
  const base = (low & (bar.kind === 'io' ? ~0x3 : ~0xf)) >>> 0;
  const decoded = readLe(config, CONFIG.command, 2) & (bar.kind === 'io' ? COMMAND.io : COMMAND.memory);
  const address = high * WORD + base;
  return {
    space: bar.kind === 'io' ? 'io' : 'memory',
    base: address,
    size: bar.size,
    enabled: decoded !== 0 && address !== 0 && address + bar.size <= HIGHEST_ADDRESS,
  };
}
