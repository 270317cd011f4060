/**
 * How a driver finds and reaches the registers of a virtio PCI function: through capabilities in configuration space and the
 * BAR, with offsets typed in from the specification (virtio 1.2, 4.1.4), not from the code under test.
 */
import type { Width } from '../../src/base/bits.ts';
import type { PciFunction } from '../../src/pci/function.ts';

/** Offset and width of each common configuration register. */
const COMMON = {
  device_feature_select: [0, 4],
  device_feature: [4, 4],
  driver_feature_select: [8, 4],
  driver_feature: [12, 4],
  config_msix_vector: [16, 2],
  num_queues: [18, 2],
  device_status: [20, 1],
  config_generation: [21, 1],
  queue_select: [22, 2],
  queue_size: [24, 2],
  queue_msix_vector: [26, 2],
  queue_enable: [28, 2],
  queue_notify_off: [30, 2],
  queue_desc: [32, 4],
  queue_desc_high: [36, 4],
  queue_driver: [40, 4],
  queue_driver_high: [44, 4],
  queue_device: [48, 4],
  queue_device_high: [52, 4],
  queue_notify_data: [56, 2],
  queue_reset: [58, 2],
} as const satisfies Record<string, readonly [number, Width]>;
export type CommonName = keyof typeof COMMON;

export interface MockCapability {
  /** Where it starts in configuration space. */
  readonly at: number;
  readonly offset: number;
  readonly length: number;
}

const TYPES = ['', 'common', 'notify', 'isr', 'device', 'pci'] as const;
type Type = Exclude<(typeof TYPES)[number], ''>;

export class MockRegisters {
  readonly #function: PciFunction;
  readonly capabilities = new Map<Type, MockCapability>();
  /** Where the MSI-X capability starts. */
  readonly msixAt: number = 0;

  constructor(pciFunction: PciFunction) {
    this.#function = pciFunction;
    for (let at = this.pciRead(0x34, 1); at !== 0; at = this.pciRead(at + 1, 1)) {
      const id = this.pciRead(at, 1);
      if (id === 0x11) this.msixAt = at;
      const type = TYPES[this.pciRead(at + 3, 1)];
      if (id !== 9 || !type) continue;
      this.capabilities.set(type, { at, offset: this.pciRead(at + 8, 4), length: this.pciRead(at + 12, 4) });
    }
    // Memory space and bus mastering on.
    this.pciWrite(4, 2, 6);
  }

  pciRead(offset: number, width: Width): number {
    return this.#function.config.read(offset, width);
  }

  pciWrite(offset: number, width: Width, value: number): void {
    this.#function.config.write(offset, width, value >>> 0);
  }

  read(offset: number, width: Width): number {
    return this.#function.bar(0).read(offset, width);
  }

  write(offset: number, width: Width, value: number): void {
    this.#function.bar(0).write(offset, width, value >>> 0);
  }

  /** Reads a register of the common configuration. */
  get(name: CommonName): number {
    const [offset, width] = COMMON[name];
    return this.read(this.capability('common').offset + offset, width);
  }

  /** Writes a register of the common configuration. */
  set(name: CommonName, value: number): void {
    const [offset, width] = COMMON[name];
    this.write(this.capability('common').offset + offset, width, value);
  }

  setAddress(name: 'queue_desc' | 'queue_driver' | 'queue_device', gpa: number | bigint): void {
    this.set(name, Number(BigInt(gpa) & 0xffff_ffffn));
    this.set(`${name}_high`, Number((BigInt(gpa) >> 32n) & 0xffff_ffffn));
  }

  /** Reads the ISR status, which clears it. */
  isr(): number {
    return this.read(this.capability('isr').offset, 1);
  }

  /** Offset in the BAR of the selected queue's notify register (4.1.4.4). */
  notifyOffset(): number {
    const { at, offset } = this.capability('notify');
    return offset + this.get('queue_notify_off') * this.pciRead(at + 16, 4);
  }

  capability(type: Type): MockCapability {
    const found = this.capabilities.get(type);
    if (!found) throw new Error(`the function has no ${type} capability`);
    return found;
  }

  /** Turns MSI-X on with all of `vectors` unmasked, or off. */
  enableMsix(vectors: number, on = true): void {
    const table = this.pciRead(this.msixAt + 4, 4) & ~7;
    for (let v = 0; v < vectors; v++) {
      this.write(table + 16 * v, 4, 0xfee0_0000);
      this.write(table + 16 * v + 8, 4, 0x40 + v);
      this.write(table + 16 * v + 12, 4, 0);
    }
    this.pciWrite(this.msixAt + 2, 2, on ? 0x8000 : 0);
  }
}
