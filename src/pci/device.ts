/**
 * A PCI function composed from tables: who it says it is, its capabilities, its BARs, its MSI-X vectors. Its registers live in
 * the register file under the name `pci-NAME`; the object itself holds nothing, so every thread has one and all agree.
 *
 * Registers mean nothing until `reset()` has run once, on one thread, before the guest starts; building the object on a
 * further thread changes nothing.
 */
import { readLe, type Width } from '../base/bits.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import { RegisterTable } from '../bus/register-table.ts';
import type { PciInterrupts } from '../bus/triggers.ts';
import type { RegisterFile, Slice } from '../state/register-file.ts';
import { type BarDescription, barRows, barWindow, type PlacedBar, placeBars } from './bar.ts';
import { withMsix } from './bar-block.ts';
import { type Capability, type CapabilityList, chainCapabilities } from './capability.ts';
import { COMMAND, CONFIG, CONFIG_SIZE, headerRows, type PciIdentity, STATUS } from './config-header.ts';
import type { BarWindow, PciFunction } from './function.ts';
import {
  MSIX_CONTROL,
  Msix,
  type MsixDescription,
  type MsixMessage,
  msixCapability,
  msixPbaSize,
  msixTableSize,
} from './msix.ts';

export interface PciDeviceOptions {
  /** Unique in a machine, for example `block0`. */
  readonly name: string;
  readonly registers: RegisterFile;
  readonly identity: PciIdentity;
  /** In the order in which they get their BAR registers; a 64-bit one takes two. */
  readonly bars?: readonly BarDescription[];
  /** Chained in this order, behind MSI-X. */
  readonly capabilities?: readonly Capability[];
  readonly msix?: MsixDescription;
  /** Absent for a function that never interrupts: it then has no interrupt pin. */
  readonly interrupts?: PciInterrupts;
}

const SILENT: PciInterrupts = { setIntx() {}, signalMsix() {}, msixChanged() {} };

export class PciDevice implements PciFunction {
  readonly name: string;
  readonly config: RegisterBlock;
  readonly #slice: Slice;
  readonly #bytes: Uint8Array;
  readonly #table: RegisterTable;
  readonly #bars: readonly PlacedBar[];
  readonly #barBlocks: readonly RegisterBlock[];
  readonly #list: CapabilityList;
  readonly #capabilities: readonly Capability[];
  readonly #msix: Msix | undefined;
  readonly #interrupts: PciInterrupts;

  /** Throws RangeError for tables that contradict themselves. */
  constructor(options: PciDeviceOptions) {
    const { name, registers, identity, msix, interrupts } = options;
    this.name = name;
    this.#slice = registers.slice(`pci-${name}`, CONFIG_SIZE + (msix ? Msix.bytesFor(msix.vectors) : 0));
    this.#bytes = this.#slice.bytes.subarray(0, CONFIG_SIZE);
    this.#interrupts = interrupts ?? SILENT;
    this.#bars = placeBars(options.bars ?? []);
    this.#capabilities = options.capabilities ?? [];
    this.#list = chainCapabilities(msix ? [this.#msixIn(msix), ...this.#capabilities] : this.#capabilities);
    this.#table = new RegisterTable(CONFIG_SIZE, [
      ...headerRows(identity, interrupts !== undefined, this.#list.offsets[0] ?? 0),
      ...barRows(this.#bars),
      ...this.#list.rows,
    ]);
    this.#msix = msix && this.#buildMsix(msix);
    this.#barBlocks = this.#bars.map((bar, i) =>
      msix && this.#msix && msix.bar === i ? withMsix(bar.block, msix, this.#msix, this.#slice.lock) : bar.block,
    );
    this.config = {
      name: `pci-${name}`,
      read: (offset, width) => this.#readConfig(offset, width),
      write: (offset, width, value) => this.#writeConfig(offset, width, value),
      registerName: offset => this.#table.nameAt(offset),
    };
  }

  /** Puts configuration space and MSI-X to their state after reset and lowers the interrupt pin. */
  reset(): void {
    this.#slice.lock.with(() => {
      this.#table.reset(this.#bytes);
      this.#msix?.reset();
      this.#interrupts.setIntx(false);
      if (this.#msix) this.#interrupts.msixChanged();
    });
  }

  windows(): readonly BarWindow[] {
    return this.#slice.lock.with(() => this.#bars.map(bar => barWindow(this.#bytes, bar)));
  }

  bar(index: number): RegisterBlock {
    const block = this.#barBlocks[index];
    if (!block) throw new RangeError(`${this.name} has no BAR with index ${index}`);
    return block;
  }

  /** Number of the BAR register that the n-th BAR starts at: what capabilities refer to. */
  barRegister(index: number): number {
    const bar = this.#bars[index];
    if (!bar) throw new RangeError(`${this.name} has no BAR with index ${index}`);
    return bar.register;
  }

  /** Where one of the capabilities given at construction starts in configuration space. */
  capabilityOffset(capability: Capability): number {
    const index = this.#capabilities.indexOf(capability);
    if (index < 0) throw new RangeError(`${this.name} has no such capability`);
    return this.#list.offsets[index + (this.#msix ? 1 : 0)]!;
  }

  /** How many MSI-X vectors there are; 0 without MSI-X. */
  get vectors(): number {
    return this.#msix?.vectors ?? 0;
  }

  /** Whether the driver uses MSI-X; INTx is then dead. Takes no lock. */
  get msixEnabled(): boolean {
    return this.#msix?.enabled ?? false;
  }

  /** Whether the driver lets the device access memory. */
  get busMaster(): boolean {
    return (this.#bytes[CONFIG.command]! & COMMAND.busMaster) !== 0;
  }

  /**
   * Interrupts through an MSI-X vector: the message is sent, or stays pending while masked. Returns false, and nothing
   * happens, while MSI-X is off or when the vector does not exist.
   */
  signal(vector: number): boolean {
    const msix = this.#msix;
    return msix !== undefined && this.#slice.lock.with(() => msix.signal(vector));
  }

  /** What a vector would send at this moment. Takes no lock. Throws RangeError for a vector that does not exist. */
  message(vector: number): MsixMessage {
    if (!this.#msix) throw new RangeError(`${this.name} has no MSI-X`);
    return this.#msix.message(vector);
  }

  /** The device's interrupt condition, for INTx: kept in the status register, and on the pin where the driver lets it. */
  setIntx(asserted: boolean): void {
    this.#slice.lock.with(() =>
      this.#followPin(() => {
        const status = this.#bytes[CONFIG.status]! & ~STATUS.interrupt;
        this.#bytes[CONFIG.status] = asserted ? status | STATUS.interrupt : status;
      }),
    );
  }

  #msixIn(msix: MsixDescription): Capability {
    const bar = this.#bars[msix.bar];
    if (!bar || bar.kind === 'io') throw new RangeError(`MSI-X of ${this.name} needs a memory BAR`);
    const tableEnd = msix.tableOffset + msixTableSize(msix.vectors);
    const pbaEnd = msix.pbaOffset + msixPbaSize(msix.vectors);
    if (Math.max(tableEnd, pbaEnd) > bar.size) throw new RangeError(`MSI-X of ${this.name} does not fit its BAR`);
    return msixCapability(msix, bar.register);
  }

  #buildMsix(msix: MsixDescription): Msix {
    const at = this.#list.offsets[0]! + MSIX_CONTROL;
    const control = () => readLe(this.#bytes, at, 2);
    return new Msix(msix.vectors, this.#slice.bytes.subarray(CONFIG_SIZE), control, this.#interrupts);
  }

  #readConfig(offset: number, width: Width): number {
    const window = this.#windowAt(offset, width);
    if (window) return window.block.read(offset - window.start, width);
    return this.#slice.lock.with(() => readLe(this.#bytes, offset, width));
  }

  #writeConfig(offset: number, width: Width, value: number): void {
    const window = this.#windowAt(offset, width);
    if (window) {
      window.block.write(offset - window.start, width, value);
      return;
    }
    this.#slice.lock.with(() => {
      const control = this.#msixControl();
      this.#followPin(() => this.#table.write(this.#bytes, offset, width, value));
      this.#msix?.controlChanged(control);
    });
  }

  /** A window that holds the whole access. Those that stick out reach the stored bytes, which are zero there. */
  #windowAt(offset: number, width: Width) {
    return this.#list.windows.find(w => offset >= w.start && offset + width <= w.end);
  }

  #msixControl(): number {
    return this.#msix ? readLe(this.#bytes, this.#list.offsets[0]! + MSIX_CONTROL, 2) : 0;
  }

  /** The level of the interrupt pin: condition, not disabled (6.2.2, bit 10), not replaced by MSI-X (6.8.3.3). */
  #pin(): boolean {
    const asserted = (this.#bytes[CONFIG.status]! & STATUS.interrupt) !== 0;
    const disabled = (readLe(this.#bytes, CONFIG.command, 2) & COMMAND.intxDisable) !== 0;
    return asserted && !disabled && !this.msixEnabled;
  }

  /** Makes a change and drives the pin when its level changed by it. */
  #followPin(change: () => void): void {
    const before = this.#pin();
    change();
    const after = this.#pin();
    if (after !== before) this.#interrupts.setIntx(after);
  }
}
