/**
 * A virtio device as a PCI function (virtio 1.2, 4.1): joins the transport, which knows registers and queues, with the PCI
 * device, which knows configuration space, BARs and MSI-X. Every thread builds one from the same model and, after a single
 * {@link VirtioFunction.reset} on one of them, all see the same device.
 */
import type { RegisterBlock } from '../bus/register-block.ts';
import type { Bell, PciInterrupts } from '../bus/triggers.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { PciDevice } from '../pci/device.ts';
import type { BarWindow, PciFunction } from '../pci/function.ts';
import type { RegisterFile } from '../state/register-file.ts';
import { AccessWindow } from './access-window.ts';
import { accessCapability, CAP_FIELD, structureCapabilities } from './capabilities.ts';
import type { DeviceModel } from './device.ts';
import { BAR_SIZE, DEVICE_ID_BASE, MSIX_PBA_OFFSET, MSIX_TABLE_OFFSET, REVISION, VENDOR_ID } from './layout.ts';
import { VirtioTransport } from './transport.ts';

export interface VirtioFunctionOptions {
  readonly model: DeviceModel;
  readonly registers: RegisterFile;
  readonly memory: GuestMemory;
  readonly interrupts: PciInterrupts;
  /** Rung when the driver asks for something that main has to do. */
  readonly control: Bell;
  /** One for each queue, rung for kicks that no ioeventfd took at {@link notifyOffset}. */
  readonly doorbells: readonly Bell[];
}

export class VirtioFunction implements PciFunction {
  readonly name: string;
  readonly transport: VirtioTransport;
  /** For whoever routes interrupts: MSI-X messages and enable bits. */
  readonly pci: PciDevice;

  /** Takes the slices `virtio-NAME` and `pci-NAME`, in this order. Throws RangeError for a model that does not fit. */
  constructor(options: VirtioFunctionOptions) {
    const { model, registers, memory, interrupts, control, doorbells } = options;
    this.name = model.name;
    if (doorbells.length !== model.queueSizes.length) throw new RangeError(`${model.name}: a doorbell for each queue`);
    const vectors = model.queueSizes.length + 1;
    this.transport = new VirtioTransport({
      model,
      registers,
      memory,
      interrupts: {
        vectors,
        msixEnabled: () => this.pci.msixEnabled,
        signal: vector => this.pci.signal(vector),
        setIntx: asserted => this.pci.setIntx(asserted),
      },
      control,
      doorbells,
    });
    const window = new AccessWindow(
      model.name,
      () => this.#accessTarget(),
      () => this.pci.bar(0),
      BAR_SIZE,
    );
    const access = accessCapability(window);
    const deviceId = DEVICE_ID_BASE + model.deviceId;
    this.pci = new PciDevice({
      name: model.name,
      registers,
      identity: {
        vendorId: VENDOR_ID,
        deviceId,
        revision: REVISION,
        classCode: model.pciClass,
        subsystemVendorId: VENDOR_ID,
        subsystemId: deviceId,
      },
      bars: [{ kind: 'memory32', size: BAR_SIZE, block: this.transport.bar }],
      capabilities: [...structureCapabilities(model.queueSizes.length, model.config.length), access],
      msix: { vectors, bar: 0, tableOffset: MSIX_TABLE_OFFSET, pbaOffset: MSIX_PBA_OFFSET },
      interrupts,
    });
    this.#accessAt = this.pci.capabilityOffset(access);
  }

  /** Where the access capability starts in configuration space. */
  readonly #accessAt: number;

  get config(): RegisterBlock {
    return this.pci.config;
  }

  windows(): readonly BarWindow[] {
    return this.pci.windows();
  }

  bar(index: number): RegisterBlock {
    return this.pci.bar(index);
  }

  /** Power-on state of everything. One thread, before the guest (re)starts, with the device's runner stopped. */
  reset(): void {
    this.transport.powerOn();
    this.pci.reset();
  }

  #accessTarget() {
    const { config } = this.pci;
    return {
      bar: config.read(this.#accessAt + CAP_FIELD.bar, 1),
      offset: config.read(this.#accessAt + CAP_FIELD.offset, 4),
      length: config.read(this.#accessAt + CAP_FIELD.size, 4),
    };
  }
}
