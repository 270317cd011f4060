/**
 * Watches a vCPU's exits when somebody asked to see them: counts them, what they accessed and what our own emulator ran, and writes
 * the trace. Nobody asked, nothing of this is loaded.
 */
import type { Bus, BusAccess } from '../bus/bus.ts';
import { describeRegister } from '../bus/register-block.ts';
import { exitName } from '../kvm/constants.ts';
import type { VcpuState } from '../kvm/vcpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Decoder, Instruction } from '../x86/decoder.ts';
import type { StepResult } from '../x86/emulate/emulator.ts';
import type { ExitReader } from '../x86/exit-reader.ts';
import { CodeBytes } from '../x86/fetch.ts';
import { bigOf } from '../x86/linear.ts';
import { instructionPointer } from '../x86/locate.ts';
import { codeSize } from '../x86/mode.ts';
import { PhysicalMemory } from '../x86/physical.ts';
import type { Emulation } from './emulation.ts';
import type { TraceClass } from './observation.ts';
import { count, disagree, noStatistics, type Statistics } from './statistics.ts';
import type { TracedAccess } from './trace-line.ts';
import { resultText } from './trace-names.ts';
import type { TraceOrder } from './trace-output.ts';
import { TraceWriter } from './trace-writer.ts';

export interface ObserverParts {
  readonly vcpu: number;
  readonly state: VcpuState;
  readonly memory: GuestMemory;
  readonly ports: Bus;
  readonly mmio: Bus;
  readonly emulation: Emulation;
  readonly decoder: Decoder;
  readonly reader: ExitReader;
  readonly trace: TraceOrder | undefined;
  /** Names of the virtio devices. */
  readonly virtio: readonly string[];
}

export class ExitObserver {
  readonly #parts: ObserverParts;
  readonly #statistics = noStatistics();
  readonly #memory: PhysicalMemory;
  readonly #code = new CodeBytes();
  readonly #writer: TraceWriter | undefined;
  #accesses: TracedAccess[] = [];
  #class: TraceClass | undefined;
  #rip = 0n;
  #instruction: Instruction | undefined;
  #mismatch: string | undefined;
  #result: string | undefined;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#memory = new PhysicalMemory(parts.memory.regions);
    if (parts.trace) this.#writer = new TraceWriter(parts.vcpu, parts.trace);
    parts.ports.observe(access => this.#accessed(access));
    parts.mmio.observe(access => this.#accessed(access));
    parts.emulation.refused.watch({ before: () => this.#emulates(), after: result => this.#emulated(result) });
  }

  /** KVM has left the guest; nothing is handled yet. */
  begin(reason: number): void {
    count(this.#statistics.exits, exitName(reason));
    this.#accesses = [];
    this.#class = this.#instruction = this.#mismatch = undefined;
  }

  /** The exit is a port or memory access, and its instruction is read; nothing is accessed yet. */
  reads({ access, instruction, start, mismatch }: ExitReader): void {
    this.#class = access.port ? 'io' : 'mmio';
    this.#instruction = instruction;
    this.#rip = bigOf(start);
    this.#mismatch = mismatch;
    if (mismatch !== undefined) disagree(this.#statistics, mismatch);
  }

  /** The exit is handled. */
  end(): void {
    if (!this.#class || !this.#writer) return;
    const emulated = this.#class === 'emulate';
    this.#writer.write({
      class: emulated ? 'emulate' : this.#classOf(this.#class),
      rip: this.#rip,
      instruction: this.#instruction?.text,
      accesses: this.#accesses,
      result: emulated ? this.#result : undefined,
      mismatch: this.#mismatch,
    });
  }

  /** All that was counted; the observer must not be used afterwards. */
  finish(): Statistics {
    const { decoder, reader, emulation, ports, mmio } = this.#parts;
    ports.observe(undefined);
    mmio.observe(undefined);
    const statistics = this.#statistics;
    statistics.decoded = reader.found;
    statistics.mismatches = reader.mismatches;
    statistics.cacheHits = decoder.hits + reader.known;
    statistics.cacheMisses = decoder.misses;
    statistics.systemCalls = emulation.systemCalls?.completed ?? 0;
    for (const [name, times] of emulation.refused.emulator.counts) count(statistics.emulated, name, times);
    decoder.close();
    return statistics;
  }

  #accessed({ bus, kind, address, width, value, block, offset }: BusAccess): void {
    const name = block ? describeRegister(block, offset) : `${bus}, nobody there`;
    count(this.#statistics.registers, `${kind.padEnd(5)} ${name}`);
    if (!this.#writer) return;
    const register = block?.registerName?.(offset);
    this.#accesses.push({ bus, kind, address, width, value, device: block?.name, register });
  }

  /** Our own emulator is about to run what stands at RIP. */
  #emulates(): void {
    if (!this.#writer) return;
    const { state, decoder } = this.#parts;
    const mode = codeSize(state.cpu);
    const at = instructionPointer(state.cpu, mode);
    const code = this.#code.fetch(state.cpu, this.#memory, at);
    this.#class = 'emulate';
    this.#rip = bigOf(at);
    this.#instruction = decoder.decode(code.bytes, 0, code.length, mode);
  }

  #emulated(result: StepResult): void {
    this.#result = resultText(result);
    if (result.kind !== 'done' && result.kind !== 'unknown') count(this.#statistics.exceptions, this.#result);
  }

  /** PCI configuration and virtio registers are told from other ports and other memory by who answers. */
  #classOf(bus: TraceClass): TraceClass {
    const device = this.#accesses[0]?.device;
    if (device === undefined) return bus;
    if (device === 'pci-ports') return 'pci';
    return this.#parts.virtio.includes(device) ? 'virtio' : bus;
  }
}
