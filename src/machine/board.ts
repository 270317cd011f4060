/**
 * The board: buses, PCI slots and platform devices over the shared registers. Every thread builds its own from one blueprint, in
 * the same order, and so works on the same bytes. Main's board is also the one that sets the registers at power-on.
 */
import { Bus } from '../bus/bus.ts';
import { modelFor } from '../devices/catalog.ts';
import { Platform } from '../devices/platform/platform.ts';
import { EventFdBell, ringEventFd } from '../host/eventfd.ts';
import { Vm } from '../kvm/vm.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { GSI, PCI_IO_END, PCI_IO_START, PCI_MMIO_END, PCI_MMIO_START } from '../memory/map.ts';
import { PciBus } from '../pci/bus.ts';
import { CONFIG_PORTS, ConfigPorts } from '../pci/config-ports.ts';
import { assignResources } from '../pci/firmware.ts';
import { hostBridge } from '../pci/host-bridge.ts';
import { IntxRouter } from '../pci/intx-router.ts';
import { RegisterFile } from '../state/register-file.ts';
import { VirtioFunction } from '../virtio/function.ts';
import { notifyOffset } from '../virtio/layout.ts';
import type { Blueprint, DeviceWires } from './blueprint.ts';
import { MachineControl } from './control.ts';
import { Doorbells } from './doorbells.ts';
import { MessageRoutes } from './message-routes.ts';

/** The registers of 31 devices with all their queues fit. */
export const REGISTER_FILE_BYTES = 1 << 20;
/** Slot 0 is the host bridge. */
const FIRST_SLOT = 1;

export class Board {
  readonly control: MachineControl;
  readonly ports = new Bus('io');
  readonly mmio = new Bus('mmio');
  readonly platform: Platform;
  /** In slot order, as in the blueprint. */
  readonly virtio: readonly VirtioFunction[];
  readonly #pci: PciBus;
  readonly #intx: IntxRouter;
  readonly #routes: MessageRoutes;
  readonly #doorbells: Doorbells;
  /** Every device changes its messages then; KVM hears of it once. */
  #poweringOn = false;

  constructor(blueprint: Blueprint, memory: GuestMemory) {
    const vm = new Vm(blueprint.vmFd);
    const registers = new RegisterFile(blueprint.registers);
    this.control = new MachineControl(registers, new EventFdBell(blueprint.lifecycle));
    this.#intx = new IntxRouter(registers, (gsi, level) => vm.setIrq(gsi, level));
    this.#routes = new MessageRoutes(vm, registers);
    this.#doorbells = new Doorbells(vm, registers, blueprint.devices.length);
    this.#pci = new PciBus({ registers, onWindowsChanged: () => this.#doorbells.update() });
    this.#pci.add(0, hostBridge(registers));
    this.virtio = blueprint.devices.map((device, i) => {
      const wires = blueprint.wires[i]!;
      const slot = FIRST_SLOT + i;
      const fn = new VirtioFunction({
        model: modelFor(device, registers),
        registers,
        memory,
        interrupts: this.#interruptsOf(slot, wires),
        control: new EventFdBell(wires.control),
        doorbells: wires.doorbells.map(fd => new EventFdBell(fd)),
      });
      this.#pci.add(slot, fn);
      this.#routes.add(fn.pci, wires);
      this.#doorbells.add({
        fn,
        bar: 0,
        offsets: wires.doorbells.map((_, q) => notifyOffset(q)),
        fds: wires.doorbells,
      });
      return fn;
    });
    // One bell for both: main looks at output and at room for input alike.
    const serialBell = new EventFdBell(blueprint.serial);
    this.platform = new Platform(this.ports, {
      registers,
      memorySize: blueprint.memorySize,
      now: Date.now,
      power: this.control,
      sci: { set: asserted => vm.setIrq(GSI.sci, asserted) },
      serialLine: { set: asserted => vm.setIrq(GSI.serial1, asserted) },
      serialSent: serialBell,
      serialDrained: serialBell,
      stopping: () => this.control.stopping,
    });
    this.ports.claim(CONFIG_PORTS.base, CONFIG_PORTS.size, new ConfigPorts(this.#pci, this.platform.resetControl));
    this.ports.addProvider(this.#pci.ioWindows);
    this.mmio.addProvider(this.#pci.memoryWindows);
  }

  #interruptsOf(slot: number, wires: DeviceWires) {
    return {
      setIntx: (asserted: boolean) => this.#intx.set(slot, asserted),
      signalMsix: (vector: number) => ringEventFd(wires.vectors[vector]!.fd),
      msixChanged: () => {
        if (!this.#poweringOn) this.#routes.update();
      },
    };
  }

  /** Sets every register to its state at power-on and does what firmware does. Once, on main, before the guest runs. */
  powerOn(): void {
    this.#poweringOn = true;
    this.control.powerOn();
    this.#doorbells.reset();
    this.#intx.reset();
    this.#pci.reset();
    this.platform.reset();
    assignResources(this.#pci, {
      memory: { start: PCI_MMIO_START, end: PCI_MMIO_END },
      io: { start: PCI_IO_START, end: PCI_IO_END },
    });
    this.#poweringOn = false;
    this.#routes.update();
  }
}
