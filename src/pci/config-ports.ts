/**
 * Configuration mechanism 1 (PCI Local Bus 3.0, 3.2.2.3.2): software writes bus, device, function and register to the address
 * port 0xCF8 and then accesses the data port 0xCFC, whose four bytes are the four of the chosen word.
 *
 * Only a four-byte access at 0xCF8 reaches the address register; narrower ones are ordinary port accesses, which lets the
 * reset control register live at 0xCF9. That is also what kernels rely on that probe for mechanism 2 with single bytes.
 */
import { allOnes, type Width } from '../base/bits.ts';
import type { RegisterBlock } from '../bus/register-block.ts';
import { PORT } from '../memory/map.ts';
import type { PciBus } from './bus.ts';

/** Ports 0xCF8 to 0xCFF. */
export const CONFIG_PORTS = { base: PORT.pciAddress, size: 8 } as const;

const ADDRESS = 0;
const RESET_CONTROL = PORT.resetControl - PORT.pciAddress;
const DATA = PORT.pciData - PORT.pciAddress;
/** Bit 31: accesses to the data port are configuration accesses. */
const ENABLE = 0x8000_0000;
/** Reserved bits 30 to 24 and 1 to 0 read zero. */
const ADDRESS_BITS = 0x80ff_fffc;

export class ConfigPorts implements RegisterBlock {
  readonly name = 'pci-ports';
  readonly #bus: PciBus;
  readonly #resetControl: RegisterBlock | undefined;

  /** `resetControl` (one byte) answers at 0xCF9. */
  constructor(bus: PciBus, resetControl?: RegisterBlock) {
    this.#bus = bus;
    this.#resetControl = resetControl;
  }

  read(offset: number, width: Width): number {
    if (offset === ADDRESS && width === 4) return this.#bus.address;
    if (offset === RESET_CONTROL && width === 1 && this.#resetControl) return this.#resetControl.read(0, 1);
    const at = this.#selected(offset, width);
    return at ? this.#bus.readConfig(at.slot, at.register, width) : allOnes(width);
  }

  write(offset: number, width: Width, value: number): void {
    if (offset === ADDRESS && width === 4) {
      this.#bus.address = (value & ADDRESS_BITS) >>> 0;
      return;
    }
    if (offset === RESET_CONTROL && width === 1) {
      this.#resetControl?.write(0, 1, value);
      return;
    }
    const at = this.#selected(offset, width);
    if (at) this.#bus.writeConfig(at.slot, at.register, width, value);
  }

  /** Tells what the data port stands for at this moment: `block0.BAR0`. */
  registerName(offset: number): string | undefined {
    if (offset < DATA) return offset === RESET_CONTROL ? (this.#resetControl?.registerName?.(0) ?? 'reset') : 'address';
    const at = this.#selected(offset, 1);
    if (!at) return 'data';
    const there = this.#bus.functions.get(at.slot);
    if (!there) return `slot${at.slot}(empty)`;
    return `${there.name}.${there.config.registerName?.(at.register) ?? `config+${at.register}`}`;
  }

  /** The slot and byte that the data port stands for; undefined where no configuration access happens. */
  #selected(offset: number, width: Width): { slot: number; register: number } | undefined {
    if (offset < DATA || offset + width > CONFIG_PORTS.size) return undefined;
    const address = this.#bus.address;
    const bus = (address >>> 16) & 0xff;
    const pciFunction = (address >>> 8) & 7;
    if ((address & ENABLE) === 0 || bus !== 0 || pciFunction !== 0) return undefined;
    return { slot: (address >>> 11) & 0x1f, register: (address & 0xfc) + (offset - DATA) };
  }
}
