/**
 * Watches a vCPU's exits when somebody asked to see them: finds and decodes the instruction behind each, compares it with what
 * KVM reports, counts, and writes the trace. Nobody asked, nothing of this is loaded.
 */
import type { Bus, BusAccess } from '../bus/bus.ts';
import { describeRegister } from '../bus/register-block.ts';
import { exitName } from '../kvm/constants.ts';
import type { VcpuState } from '../kvm/vcpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Decoder, Instruction } from '../x86/decoder.ts';
import type { StepResult } from '../x86/emulate/emulator.ts';
import { CodeBytes } from '../x86/fetch.ts';
import { bigOf } from '../x86/linear.ts';
import { instructionPointer, Locator } from '../x86/locate.ts';
import { codeSize } from '../x86/mode.ts';
import { PhysicalMemory } from '../x86/physical.ts';
import { exitOf } from './exit-view.ts';
import type { TraceClass } from './observation.ts';
import type { RefusedInstructions } from './refused.ts';
import { count, disagree, noStatistics, type Statistics } from './statistics.ts';
import type { SystemCalls } from './system-calls.ts';
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
  readonly refused: RefusedInstructions;
  readonly systemCalls: SystemCalls | undefined;
  readonly decoder: Decoder;
  readonly trace: TraceOrder | undefined;
  /** Names of the virtio devices. */
  readonly virtio: readonly string[];
}

export class ExitObserver {
  readonly #parts: ObserverParts;
  readonly #statistics = noStatistics();
  readonly #locator: Locator;
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
    this.#locator = new Locator(parts.decoder, parts.memory);
    this.#memory = new PhysicalMemory(parts.memory.regions);
    if (parts.trace) this.#writer = new TraceWriter(parts.vcpu, parts.trace);
    parts.ports.observe(access => this.#accessed(access));
    parts.mmio.observe(access => this.#accessed(access));
    parts.refused.watch({ before: () => this.#emulates(), after: result => this.#emulated(result) });
  }

  /** KVM has left the guest; nothing is handled yet. */
  begin(reason: number, view: DataView): void {
    count(this.#statistics.exits, exitName(reason));
    this.#accesses = [];
    this.#class = this.#instruction = this.#mismatch = undefined;
    const exit = exitOf(reason, view);
    if (!exit) return;
    const { cpu } = this.#parts.state;
    const found = this.#locator.locate(cpu, exit);
    this.#class = exit.kind;
    this.#instruction = found.instruction;
    if (found.kind === 'found') this.#rip = bigOf(found.start);
    else {
      this.#rip = cpu.rip;
      this.#mismatch = found.reason;
      disagree(this.#statistics, found.reason);
    }
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
    const { decoder, refused, systemCalls, ports, mmio } = this.#parts;
    ports.observe(undefined);
    mmio.observe(undefined);
    const statistics = this.#statistics;
    statistics.decoded = this.#locator.found;
    statistics.mismatches = this.#locator.mismatches;
    statistics.cacheHits = decoder.hits;
    statistics.cacheMisses = decoder.misses;
    statistics.systemCalls = systemCalls?.completed ?? 0;
    for (const [name, times] of refused.emulator.counts) count(statistics.emulated, name, times);
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
