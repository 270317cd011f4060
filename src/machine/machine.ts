/**
 * The machine from start to end: opens everything (what can be wrong is said before KVM is touched), gives rights away, then
 * lives through power cycles until the guest switches itself off, crashes, or somebody stops it.
 */
import { UsageError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import { readSymbols } from '../boot/elf/symbols.ts';
import { loadGuest } from '../boot/load.ts';
import type { ConsoleBackend } from '../devices/console/backend.ts';
import { becomeUser, enterRoot, lookUpUser } from '../host/privileges.ts';
import { CAP } from '../kvm/constants.ts';
import type { CpuidLeaf } from '../kvm/cpuid-leaf.ts';
import { lacksVirtualisation } from '../kvm/software.ts';
import { KvmSystem } from '../kvm/system.ts';
import { hideXsave } from '../kvm/xsave-leaf.ts';
import { runsInsideAMachine, xsaveWorks } from '../kvm/xsave-probe.ts';
import type { CpuEntry } from '../x86/cpu-entry.ts';
import type { Blueprint, VcpuReport } from './blueprint.ts';
import { REGISTER_FILE_BYTES } from './board.ts';
import type { MachineConfig } from './config.ts';
import type { EndReason } from './control.ts';
import { crashText } from './crash-text.ts';
import { Devices } from './devices.ts';
import { KernelFile } from './kernel-file.ts';
import { PowerCycle } from './power-cycle.ts';
import { Ram } from './ram.ts';
import { addStatistics, noStatistics, type Statistics } from './statistics.ts';
import { TraceOutput } from './trace-output.ts';
import { VcpuThread } from './vcpu-threads.ts';

/** How a machine ended. */
export interface MachineEnd {
  readonly reason: Exclude<EndReason, 'running' | 'reset'>;
  /** 0 after a power-off, 1 after a crash. */
  readonly status: number;
}

/** What this KVM supports, less an XSAVE that does not keep what it says. */
function offeredCpuid(system: KvmSystem): readonly CpuidLeaf[] {
  const leaves = system.supportedCpuid();
  if (!runsInsideAMachine() || xsaveWorks(system, leaves)) return leaves;
  log.narrate('cpuid', 'XSAVE is hidden: this KVM forgets what a guest writes to XCR0');
  return hideXsave(leaves);
}

export class Machine {
  readonly #config: MachineConfig;
  readonly #threads: readonly VcpuThread[];
  readonly #files: KernelFile[] = [];
  readonly #registers = new SharedArrayBuffer(REGISTER_FILE_BYTES);
  #ram: Ram | undefined;
  #devices: Devices | undefined;
  #system: KvmSystem | undefined;
  #cpuid: readonly CpuidLeaf[] = [];
  #completesSystemCalls = false;
  #trace: TraceOutput | undefined;
  #observation: Blueprint['observation'];
  readonly #statistics: Statistics[] = [];
  #cycle: PowerCycle | undefined;
  #stopped = false;
  #crash: Extract<VcpuReport, { kind: 'crash' }> | undefined;

  /** Nothing is opened yet, but the CPUs' threads begin to load: they take longest. */
  constructor(config: MachineConfig) {
    this.#config = config;
    this.#threads = Array.from({ length: config.cpus }, () => new VcpuThread());
  }

  /** Runs the guest to its end. Throws UsageError or HostError; everything is released either way. */
  async run(terminal: ConsoleBackend): Promise<MachineEnd> {
    process.once('exit', this.#processExits);
    try {
      const { kernel, initrd } = this.#openKernel();
      this.#observe(kernel);
      this.#ram = Ram.create(this.#config.memoryBytes);
      let entry = this.#load(kernel, initrd);
      this.#devices = await Devices.open(this.#config, terminal);
      this.#system = KvmSystem.open();
      this.#checkCpus(this.#system);
      this.#cpuid = offeredCpuid(this.#system);
      this.#completesSystemCalls = lacksVirtualisation() && this.#system.extension(CAP.X86_MSR_FILTER) > 0;
      await Promise.all(this.#threads.map(thread => thread.ready));
      this.#dropPrivileges();
      for (;;) {
        const reason = await this.#powerCycle(entry);
        if (reason !== 'reset') return { reason, status: reason === 'power-off' ? 0 : 1 };
        log.narrate('machine', 'the guest restarts');
        this.#ram.clear();
        entry = this.#load(kernel, initrd);
      }
    } finally {
      await this.#release();
    }
  }

  /** Ends the guest from outside, at once; disks are flushed. */
  stop(): void {
    this.#stopped = true;
    this.#cycle?.board.control.end('stopped');
  }

  /** Node waits for its threads at exit, and one inside the guest would never end. */
  readonly #processExits = (): void => {
    this.stop();
    for (const thread of this.#threads) thread.kick();
  };

  #openKernel(): { kernel: KernelFile; initrd: KernelFile | undefined } {
    const open = (what: string, path: string) => {
      const file = new KernelFile(what, path);
      this.#files.push(file);
      return file;
    };
    const { kernelPath, initrdPath } = this.#config;
    return {
      kernel: open('kernel', kernelPath),
      initrd: initrdPath === undefined ? undefined : open('initrd', initrdPath),
    };
  }

  /** What each vCPU did, by its number, reboots included; empty unless it was asked for. */
  get statistics(): readonly Statistics[] {
    return this.#statistics;
  }

  /** What each device that counts has done, by its name. */
  get counters(): ReadonlyMap<string, Readonly<Record<string, number>>> {
    return this.#devices?.counters() ?? new Map();
  }

  /** Opens the trace and reads the kernel's symbols for it. */
  #observe(kernel: KernelFile): void {
    const { observation } = this.#config;
    if (!observation) return;
    const config = observation.trace;
    if (config) this.#trace = new TraceOutput(config);
    this.#observation = { trace: config && this.#trace?.order(config, readSymbols(kernel)) };
  }

  #load(kernel: KernelFile, initrd: KernelFile | undefined): CpuEntry {
    const { commandLine, cpus, entry } = this.#config;
    const { memory } = this.#ram!;
    const loaded = loadGuest({ memory, kernel, initrd, commandLine: commandLine.join(' '), cpus, entry });
    for (const line of loaded.summary) log.narrate('boot', line);
    return loaded.entry;
  }

  #checkCpus(system: KvmSystem): void {
    if (this.#config.cpus <= system.maxCpus) return;
    throw new UsageError(
      `--cpus ${this.#config.cpus} is more than this KVM runs.`,
      `Give a whole number from 1 to ${system.maxCpus}.`,
    );
  }

  #dropPrivileges(): void {
    const { username, chroot } = this.#config;
    const user = username === undefined ? undefined : lookUpUser(username);
    if (chroot !== undefined) enterRoot(chroot);
    if (user) becomeUser(user);
  }

  async #powerCycle(entry: CpuEntry): Promise<MachineEnd['reason'] | 'reset'> {
    const system = this.#system!;
    const cycle = new PowerCycle({
      system,
      cpuid: this.#cpuid,
      runPageSize: system.runPageSize(),
      registers: this.#registers,
      ram: this.#ram!,
      threads: this.#threads,
      devices: this.#devices!,
      entry,
      completesSystemCalls: this.#completesSystemCalls,
      decodesExits: this.#config.decode !== false,
      observation: this.#observation,
      onStatistics: ({ id, statistics }) => {
        this.#statistics[id] ??= noStatistics();
        addStatistics(this.#statistics[id], statistics);
      },
      onCrash: crash => {
        this.#crash ??= crash;
      },
    });
    this.#cycle = cycle;
    let reason: EndReason;
    try {
      cycle.start();
      if (this.#stopped) this.stop();
      reason = await cycle.ended();
    } finally {
      this.#cycle = undefined;
      await cycle.end();
    }
    // After the guest's own last words, which the end of the cycle has let out.
    if (this.#crash) await this.#reportCrash(this.#crash);
    return reason === 'running' ? 'stopped' : reason;
  }

  async #reportCrash({ id, what, report }: Extract<VcpuReport, { kind: 'crash' }>): Promise<void> {
    log.warn(what);
    for (const line of await crashText(id, report)) log.warn(line);
  }

  async #release(): Promise<void> {
    process.off('exit', this.#processExits);
    await Promise.all(this.#threads.map(thread => thread.terminate()));
    await this.#devices?.close();
    this.#system?.close();
    this.#trace?.close();
    this.#ram?.free();
    for (const file of this.#files) file.close();
  }
}
