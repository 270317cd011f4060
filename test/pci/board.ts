import { Bus } from '../../src/bus/bus.ts';
import type { PciInterrupts } from '../../src/bus/triggers.ts';
import { PciBus } from '../../src/pci/bus.ts';
import { CONFIG_PORTS, ConfigPorts } from '../../src/pci/config-ports.ts';
import { PciDevice, type PciDeviceOptions } from '../../src/pci/device.ts';
import { hostBridge } from '../../src/pci/host-bridge.ts';
import { RegisterFile } from '../../src/state/register-file.ts';
import { Recorder } from '../bus/recorder.ts';

/** Writes down what a function does to the interrupt controllers. */
export class InterruptLog implements PciInterrupts {
  readonly events: string[] = [];
  setIntx(asserted: boolean): void {
    this.events.push(asserted ? 'intx up' : 'intx down');
  }
  signalMsix(vector: number): void {
    this.events.push(`send ${vector}`);
  }
  msixChanged(vector?: number): void {
    this.events.push(`changed ${vector ?? 'all'}`);
  }
  /** The events since the last call. */
  take(): string[] {
    return this.events.splice(0);
  }
}

export const MSIX = { vectors: 5, bar: 0, tableOffset: 0x4000, pbaOffset: 0x5000 } as const;

/** A device shaped like the virtio transport: one 32 KiB BAR with MSI-X inside. */
export function device(registers: RegisterFile, name: string, extra: Partial<PciDeviceOptions> = {}) {
  const interrupts = new InterruptLog();
  const block = new Recorder(name, 0x8000);
  const pci = new PciDevice({
    name,
    registers,
    identity: { vendorId: 0x1af4, deviceId: 0x1042, revision: 1, classCode: 0x01_0000, subsystemId: 0x40 },
    bars: [{ kind: 'memory32', size: 0x8000, block }],
    msix: MSIX,
    interrupts,
    ...extra,
  });
  return { pci, interrupts, block };
}

export interface Board {
  registers: RegisterFile;
  bus: PciBus;
  ports: Bus;
  memory: Bus;
}

/** Buses with PCI on them, as one thread sees them; further threads pass the same buffer. */
export function buildBoard(buffer?: SharedArrayBuffer, moved: number[] = []): Board {
  const registers = buffer ? new RegisterFile(buffer) : RegisterFile.create(64 * 1024);
  const bus = new PciBus({ registers, onWindowsChanged: slot => moved.push(slot) });
  bus.add(0, hostBridge(registers));
  const ports = new Bus('io');
  ports.claim(CONFIG_PORTS.base, CONFIG_PORTS.size, new ConfigPorts(bus));
  ports.addProvider(bus.ioWindows);
  const memory = new Bus('mmio');
  memory.addProvider(bus.memoryWindows);
  return { registers, bus, ports, memory };
}
