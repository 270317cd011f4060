/**
 * PCI bus 0: up to 32 functions in slots, and the windows through which the memory and port buses reach their BARs. Windows
 * move when the guest writes BARs or the command register; a word in shared memory, the epoch, then changes, and every
 * thread rebuilds its list before its next look-up.
 */
import { allOnes, type Width } from '../base/bits.ts';
import type { AddressProvider, Resolved } from '../bus/bus.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import type { RegisterFile, Slice } from '../state/register-file.ts';
import { CONFIG, CONFIG_SIZE } from './config-header.ts';
import type { PciFunction } from './function.ts';

export const SLOTS = 32;

/** Words of the bus's slice. */
const EPOCH = 0;
const ADDRESS = 1;
const SLICE_BYTES = 8;

/** First byte behind the six BARs. */
const BARS_END = 0x28;

interface Placed {
  readonly space: 'memory' | 'io';
  readonly base: number;
  readonly end: number;
  readonly block: RegisterBlock;
}

export interface PciBusOptions {
  readonly registers: RegisterFile;
  /** A BAR moved, appeared or went away. Runs on the thread of the access that did it, after the epoch has changed. */
  readonly onWindowsChanged?: (slot: number, pciFunction: PciFunction) => void;
}

export class PciBus {
  readonly #slice: Slice;
  readonly #slots = new Map<number, PciFunction>();
  readonly #onWindowsChanged: PciBusOptions['onWindowsChanged'];
  /** Cache: the windows as they were at `#cachedEpoch`. */
  #placed: Placed[] = [];
  #cachedEpoch = -1;

  constructor(options: PciBusOptions) {
    this.#slice = options.registers.slice('pci-bus', SLICE_BYTES);
    this.#onWindowsChanged = options.onWindowsChanged;
  }

  /** Functions by slot. */
  get functions(): ReadonlyMap<number, PciFunction> {
    return this.#slots;
  }

  /** Puts a function into a slot (0 to 31). Throws RangeError if there is none or it is taken. */
  add(slot: number, pciFunction: PciFunction): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new RangeError(`there is no PCI slot ${slot}`);
    const there = this.#slots.get(slot);
    if (there) throw new RangeError(`PCI slot ${slot} of ${pciFunction.name} is taken by ${there.name}`);
    this.#slots.set(slot, pciFunction);
    this.#cachedEpoch = -1;
  }

  /** Changes whenever a window may have. */
  get epoch(): number {
    return Atomics.load(this.#slice.words, EPOCH);
  }

  /** The configuration address register of mechanism 1. */
  get address(): number {
    return Atomics.load(this.#slice.words, ADDRESS) >>> 0;
  }
  set address(value: number) {
    Atomics.store(this.#slice.words, ADDRESS, value | 0);
  }

  /** Puts all functions to their state after reset: no BAR is placed or answers. One thread, before the guest (re)starts. */
  reset(): void {
    this.address = 0;
    for (const [slot, pciFunction] of this.#slots) {
      pciFunction.reset?.();
      this.#windowsChanged(slot, pciFunction);
    }
  }

  /** Reads configuration space; an empty slot reads all ones. */
  readConfig(slot: number, offset: number, width: Width): number {
    const pciFunction = this.#slots.get(slot);
    if (!pciFunction || offset < 0 || offset + width > CONFIG_SIZE) return allOnes(width);
    return (pciFunction.config.read(offset, width) & allOnes(width)) >>> 0;
  }

  /** Writes configuration space; an empty slot swallows it. */
  writeConfig(slot: number, offset: number, width: Width, value: number): void {
    const pciFunction = this.#slots.get(slot);
    if (!pciFunction || offset < 0 || offset + width > CONFIG_SIZE) return;
    const movesWindows =
      (offset < CONFIG.command + 2 && offset + width > CONFIG.command) ||
      (offset < BARS_END && offset + width > CONFIG.bar0);
    const before = movesWindows ? fingerprint(pciFunction) : '';
    pciFunction.config.write(offset, width, value);
    if (movesWindows && fingerprint(pciFunction) !== before) this.#windowsChanged(slot, pciFunction);
  }

  /** For the memory bus: memory BARs. */
  readonly memoryWindows: AddressProvider = { resolve: address => this.#resolve('memory', address) };
  /** For the port bus: I/O BARs. */
  readonly ioWindows: AddressProvider = { resolve: address => this.#resolve('io', address) };

  #windowsChanged(slot: number, pciFunction: PciFunction): void {
    Atomics.add(this.#slice.words, EPOCH, 1);
    this.#onWindowsChanged?.(slot, pciFunction);
  }

  #resolve(space: 'memory' | 'io', address: number): Resolved | undefined {
    // The epoch is read before the windows: a change in between is seen as one more change at the next look-up.
    const epoch = this.epoch;
    if (epoch !== this.#cachedEpoch) {
      this.#placed = this.#collect();
      this.#cachedEpoch = epoch;
    }
    const found = this.#placed.find(w => w.space === space && address >= w.base && address < w.end);
    return found && { block: found.block, offset: address - found.base, room: found.end - address };
  }

  /** All windows that answer. Where the guest lays two over each other the lower slot wins. */
  #collect(): Placed[] {
    const placed: Placed[] = [];
    for (const pciFunction of this.#slots.values()) {
      pciFunction.windows().forEach(({ space, base, size, enabled }, i) => {
        if (enabled) placed.push({ space, base, end: base + size, block: pciFunction.bar(i) });
      });
    }
    return placed;
  }
}

function fingerprint(pciFunction: PciFunction): string {
  return pciFunction
    .windows()
    .map(w => (w.enabled ? `${w.space}${w.base}` : '-'))
    .join();
}
