/**
 * What a PC's firmware does to the PCI bus before a kernel starts: sizes every BAR, places it inside the host bridge's windows,
 * lets the functions decode, and notes the interrupt line. Kernels may do it again; those that trust the firmware need it done.
 * It speaks to functions through configuration space alone, as firmware would.
 */
import { alignUp, isPowerOfTwo } from '../base/bits.ts';
import { HostError } from '../base/errors.ts';
import { type PciBus, SLOTS } from './bus.ts';
import { COMMAND, CONFIG } from './config-header.ts';
import { intxGsi } from './intx-router.ts';

/** A range of addresses, end excluded. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

export interface PciWindows {
  /** Below 4 GiB, for every memory BAR that fits. */
  readonly memory: AddressRange;
  /** Above 4 GiB, for the 64-bit BARs that do not fit below. */
  readonly memory64?: AddressRange;
  readonly io: AddressRange;
}

const BAR_REGISTERS = 6;
const WORD = 2 ** 32;

interface SizedBar {
  readonly slot: number;
  readonly offset: number;
  readonly io: boolean;
  readonly wide: boolean;
  readonly size: number;
}

/** Places all BARs and turns decoding on. Throws HostError when the windows are too small. */
export function assignResources(bus: PciBus, windows: PciWindows): void {
  const bars: SizedBar[] = [];
  for (let slot = 0; slot < SLOTS; slot++) if (bus.functions.has(slot)) bars.push(...sizeBars(bus, slot));
  const next = { memory: windows.memory.start, memory64: windows.memory64?.start ?? 0, io: windows.io.start };
  // Greatest first: then nothing is lost to alignment.
  for (const bar of bars.sort((a, b) => b.size - a.size)) {
    let kind: 'memory' | 'memory64' | 'io' = bar.io ? 'io' : 'memory';
    let base = alignUp(next[kind], bar.size);
    if (base + bar.size > windows[kind]!.end && bar.wide && windows.memory64) {
      kind = 'memory64';
      base = alignUp(next.memory64, bar.size);
    }
    if (base + bar.size > windows[kind]!.end) {
      const name = bus.functions.get(bar.slot)!.name;
      throw new HostError(`The PCI window has no room for ${bar.size} bytes of ${name}.`, 'Use fewer devices.');
    }
    next[kind] = base + bar.size;
    place(bus, bar, base);
  }
  for (const slot of bus.functions.keys()) {
    if (bus.readConfig(slot, CONFIG.interruptPin, 1) !== 0) {
      bus.writeConfig(slot, CONFIG.interruptLine, 1, intxGsi(slot));
    }
  }
}

/** Reads back ones from every BAR: the bits that stay zero tell the size (PCI Local Bus 3.0, 6.2.5.1). */
function sizeBars(bus: PciBus, slot: number): SizedBar[] {
  const bars: SizedBar[] = [];
  for (let i = 0; i < BAR_REGISTERS; i++) {
    const offset = CONFIG.bar0 + 4 * i;
    const low = probe(bus, slot, offset);
    if (low === 0) continue;
    const io = (low & 1) !== 0;
    const wide = !io && (low & 6) === 4;
    // The upper word of a 64-bit BAR is all ones unless the BAR itself is greater than 4 GiB.
    const high = wide ? probe(bus, slot, offset + 4) : WORD - 1;
    const size = (WORD - 1 - high) * WORD + (WORD - ((low & (io ? ~3 : ~15)) >>> 0));
    if (isPowerOfTwo(size)) bars.push({ slot, offset, io, wide, size });
    if (wide) i++;
  }
  return bars;
}

function probe(bus: PciBus, slot: number, offset: number): number {
  bus.writeConfig(slot, offset, 4, 0xffff_ffff);
  const value = bus.readConfig(slot, offset, 4);
  bus.writeConfig(slot, offset, 4, 0);
  return value;
}

function place(bus: PciBus, bar: SizedBar, base: number): void {
  bus.writeConfig(bar.slot, bar.offset, 4, base % WORD);
  if (bar.wide) bus.writeConfig(bar.slot, bar.offset + 4, 4, Math.floor(base / WORD));
  const command = bus.readConfig(bar.slot, CONFIG.command, 2);
  bus.writeConfig(bar.slot, CONFIG.command, 2, command | (bar.io ? COMMAND.io : COMMAND.memory));
}
