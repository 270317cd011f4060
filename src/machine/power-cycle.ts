/**
 * One life of the machine, from power-on to power-off, reset or crash: a fresh VM, fresh registers, fresh wires over the RAM and
 * the open devices that outlive it. Nothing in here survives its `end()`.
 */
import { HostError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { EventFdWaiter } from '../host/eventfd.ts';
import { CAP } from '../kvm/constants.ts';
import type { CpuidLeaf } from '../kvm/cpuid-leaf.ts';
import type { KvmSystem } from '../kvm/system.ts';
import { Vm } from '../kvm/vm.ts';
import { GSI, KVM_IDENTITY_MAP, KVM_TSS } from '../memory/map.ts';
import { DeviceRunner } from '../virtio/device-runner.ts';
import type { CpuEntry } from '../x86/cpu-entry.ts';
import type { Blueprint, VcpuReport } from './blueprint.ts';
import { Board } from './board.ts';
import type { EndReason } from './control.ts';
import type { Devices } from './devices.ts';
import type { Ram } from './ram.ts';
import { MSR_LSTAR } from './system-calls.ts';
import type { VcpuThread } from './vcpu-threads.ts';
import { Wires } from './wires.ts';

export interface PowerCycleOptions {
  readonly system: KvmSystem;
  readonly cpuid: readonly CpuidLeaf[];
  readonly runPageSize: number;
  /** The register file's memory; the same in every cycle. */
  readonly registers: SharedArrayBuffer;
  readonly ram: Ram;
  readonly threads: readonly VcpuThread[];
  readonly devices: Devices;
  /** Where the first CPU starts; RAM is loaded. */
  readonly entry: CpuEntry;
  /** This KVM does not; see system-calls.ts. */
  readonly completesSystemCalls: boolean;
  readonly decodesExits: boolean;
  readonly observation: Blueprint['observation'];
  readonly onStatistics: (report: Extract<VcpuReport, { kind: 'statistics' }>) => void;
  readonly onCrash: (report: Extract<VcpuReport, { kind: 'crash' }>) => void;
}

export class PowerCycle {
  readonly board: Board;
  readonly #options: PowerCycleOptions;
  readonly #vm: Vm;
  readonly #wires: Wires;
  readonly #blueprint: Blueprint;
  readonly #lifecycle: EventFdWaiter;
  readonly #waiters: EventFdWaiter[] = [];
  readonly #runners: DeviceRunner[] = [];
  #fault: HostError | undefined;

  constructor(options: PowerCycleOptions) {
    this.#options = options;
    const { system, ram, devices, threads } = options;
    this.#vm = new Vm(system.createVm());
    this.#vm.createInterruptControllers(KVM_TSS, KVM_IDENTITY_MAP);
    this.#vm.setLevelTriggered([GSI.sci, ...GSI.pci]);
    if (system.extension(CAP.EXIT_ON_EMULATION_FAILURE)) this.#vm.exitOnEmulationFailure();
    if (options.completesSystemCalls) this.#vm.exitOnMsrWrite(MSR_LSTAR);
    ram.giveTo(this.#vm);
    this.#wires = new Wires(devices.models);
    this.#wires.connect(this.#vm);
    this.#blueprint = {
      registers: options.registers,
      vmFd: this.#vm.fd,
      memoryFd: ram.fd,
      memorySize: ram.size,
      cpus: threads.length,
      devices: devices.configs,
      wires: this.#wires.devices,
      lifecycle: this.#wires.lifecycle,
      serial: this.#wires.serial,
      verbose: log.verbose,
      decodesExits: options.decodesExits,
      completesSystemCalls: options.completesSystemCalls,
      ...(options.observation ? { observation: options.observation } : {}),
    };
    this.board = new Board(this.#blueprint, ram.memory);
    this.board.powerOn();
    this.#lifecycle = new EventFdWaiter(this.#wires.lifecycle);
  }

  /** Starts all vCPUs, then the services: the guest's first instructions need none. */
  start(): void {
    const { threads, cpuid, runPageSize, system, entry, devices, onCrash, onStatistics } = this.#options;
    const tscDeadline = system.extension(CAP.TSC_DEADLINE_TIMER) > 0;
    threads.forEach((thread, id) => {
      const order = {
        blueprint: this.#blueprint,
        id,
        fd: this.#vm.createVcpu(id),
        runPageSize,
        cpuid,
        tscDeadline,
        entry: id === 0 ? entry : undefined,
      };
      thread.start(order, report => {
        if (report.kind === 'crash') onCrash(report);
        if (report.kind === 'statistics') onStatistics(report);
        if (report.kind === 'fault') {
          this.#fault ??= new HostError(report.message, report.remedy);
          this.board.control.end('crash');
        }
      });
    });
    devices.serial.connect(this.board.platform.serial, this.#waiter(this.#wires.serial));
    const services = devices.services(this.board.virtio.map(fn => fn.transport.model));
    this.board.virtio.forEach((fn, i) => {
      const { control, doorbells } = this.#wires.devices[i]!;
      const runner = new DeviceRunner({
        transport: fn.transport,
        service: services[i]!,
        memory: this.#options.ram.memory,
        control: this.#waiter(control),
        doorbells: doorbells.map(fd => this.#waiter(fd)),
      });
      runner.start();
      this.#runners.push(runner);
    });
  }

  #waiter(fd: number): EventFdWaiter {
    const waiter = new EventFdWaiter(fd);
    this.#waiters.push(waiter);
    return waiter;
  }

  /** Resolves once somebody has ended the cycle. Throws HostError when a vCPU thread failed. */
  async ended(): Promise<EndReason> {
    while (this.board.control.endReason === 'running') await this.#lifecycle.wait();
    return this.board.control.endReason;
  }

  /** Stops CPUs, then devices, and gives everything back. Safe to call once, whatever state the guest is in. */
  async end(): Promise<void> {
    this.board.control.end('stopped');
    await Promise.all(this.#options.threads.map(thread => thread.stop()));
    // The CPUs stand still: what they sent last is still on its way to the terminal.
    await this.#options.devices.serial.disconnect();
    await Promise.all(this.#runners.map(runner => runner.stop()));
    this.#lifecycle.close();
    for (const waiter of this.#waiters) waiter.close();
    this.#wires.close();
    this.#vm.close();
    if (this.#fault) throw this.#fault;
  }
}
