/**
 * Reads the instruction behind every port and memory exit. Places that trapped before are known again by their site (site.ts), which
 * is cheap enough for every exit of every guest; the others are searched for (locate.ts). KVM's own account is the cross-check:
 * where the two disagree, that is counted, and KVM's stands.
 */
import type { RamRegion } from '../memory/guest-memory.ts';
import { type CpuState, RIP } from './cpu-state.ts';
import type { Decoder, Instruction } from './decoder.ts';
import { type Linear, linear } from './linear.ts';
import { instructionPointer, Locator } from './locate.ts';
import { codeSize } from './mode.ts';
import { Site } from './site.ts';
import { WalkRecorder } from './tracked-page.ts';
import { TrappedAccess } from './trapped.ts';

/** Places known at a time; a power of two. More of them are searched for again now and then. */
const SITES = 1024;

export class ExitReader {
  /** What the last exit's access is, as its instruction says; KVM's account where they disagree. */
  readonly access = new TrappedAccess();
  /** The last exit's instruction, where one was found that decodes, and its linear address. */
  instruction: Instruction | undefined;
  start: Linear = linear(0, 0);
  /** Why the last exit's instruction and KVM disagree, in one sentence with both readings. */
  mismatch: string | undefined;
  /** Exits that a known site explained. */
  known = 0;
  readonly #locator: Locator;
  readonly #recorder: WalkRecorder;
  readonly #sites = new Array<Site | undefined>(SITES).fill(undefined);

  constructor(decoder: Decoder, memory: { readonly regions: readonly RamRegion[] }) {
    this.#locator = new Locator(decoder, memory);
    this.#recorder = new WalkRecorder(memory.regions);
  }

  /** Exits whose instruction was found. */
  get found(): number {
    return this.known + this.#locator.found;
  }

  get mismatches(): number {
    return this.#locator.mismatches;
  }

  /** Reads the exit that KVM describes so. Throws only DisassemblerNeeded: the same exit can be read again when it is there. */
  read(cpu: CpuState, kvm: TrappedAccess): void {
    const lo = cpu.halves[RIP * 2]!;
    const slot = (lo ^ (lo >>> 10)) & (SITES - 1);
    const site = this.#sites[slot];
    if (site?.isAt(cpu) && site.explains(cpu, kvm, this.access)) {
      this.known++;
      this.instruction = site.found.instruction;
      this.start = site.found.start;
      this.mismatch = undefined;
      return;
    }
    this.#search(cpu, kvm, slot);
  }

  #search(cpu: CpuState, kvm: TrappedAccess, slot: number): void {
    const found = this.#locator.locate(cpu, kvm.toExit());
    this.instruction = found.instruction;
    this.access.copyFrom(kvm);
    if (found.kind === 'mismatch') {
      this.start = instructionPointer(cpu, codeSize(cpu));
      this.mismatch = found.reason;
      return;
    }
    this.start = found.start;
    this.mismatch = undefined;
    this.#sites[slot] = Site.of(cpu, this.#recorder, found) ?? this.#sites[slot];
  }
}
