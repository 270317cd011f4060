/**
 * Reads the instruction behind every port and memory exit. Places that trapped before are known again by their site (site.ts), which
 * is cheap enough for every exit of every guest; the others are searched for (locate.ts). KVM's own account is the cross-check:
 * where the two disagree, that is counted, and KVM's stands.
 */
import type { RamRegion } from '../memory/guest-memory.ts';
import { type CpuState, RIP } from './cpu-state.ts';
import type { Decoder, Instruction } from './decoder.ts';
import { type Linear, linear } from './linear.ts';
import { type Found, instructionPointer, Locator, type Mismatch } from './locate.ts';
import { codeSize } from './mode.ts';
import { type Site, siteOf } from './site.ts';
import { WalkRecorder } from './tracked-page.ts';
import { TrappedAccess } from './trapped.ts';

/** Places known at a time; a power of two. More of them are searched for again now and then. */
const SITES = 1024;

export class ExitReader {
  /** What the last exit's access is, as its instruction says; KVM's account where they disagree. */
  readonly access = new TrappedAccess();
  /** Exits that a known site explained. */
  known = 0;
  readonly #locator: Locator;
  readonly #recorder: WalkRecorder;
  readonly #exact: boolean;
  /** The site that explained the last exit, or else what the search gave. */
  #site: Site | undefined;
  #result: Found | Mismatch | undefined;
  #start: Linear = linear(0, 0);
  readonly #sites = new Array<Site | undefined>(SITES).fill(undefined);

  /**
   * `memory` is the guest's RAM. `exact` compares page tables at every exit, for somebody who looks at the instructions: see
   * Place.holds. Without it the system registers may be those of the last search.
   */
  constructor(decoder: Decoder, memory: { readonly regions: readonly RamRegion[] }, exact = true) {
    this.#locator = new Locator(decoder, memory);
    this.#recorder = new WalkRecorder(memory.regions);
    this.#exact = exact;
  }

  /** Exits whose instruction was found. */
  get found(): number {
    return this.known + this.#locator.found;
  }

  get mismatches(): number {
    return this.#locator.mismatches;
  }

  /** The last exit's instruction, where one was found that decodes. */
  get instruction(): Instruction | undefined {
    return this.#site ? this.#site.place.found.instruction : this.#result?.instruction;
  }

  /** Linear address of its first byte. */
  get start(): Linear {
    return this.#site ? this.#site.place.found.start : this.#start;
  }

  /** Why the last exit's instruction and KVM disagree, in one sentence with both readings. */
  get mismatch(): string | undefined {
    return this.#site || this.#result?.kind !== 'mismatch' ? undefined : this.#result.reason;
  }

  /**
   * Reads the exit that KVM describes so; false if the instruction disagrees. Throws only DisassemblerNeeded: the same exit can be read
   * again when it is there.
   */
  read(cpu: CpuState, kvm: TrappedAccess): boolean {
    const lo = cpu.halves[RIP * 2]!;
    const slot = (lo ^ (lo >>> 10)) & (SITES - 1);
    const site = this.#sites[slot];
    if (site?.explains(cpu, kvm, this.access, this.#exact)) {
      this.known++;
      this.#site = site;
      return true;
    }
    return this.#search(cpu, kvm, slot);
  }

  #search(cpu: CpuState, kvm: TrappedAccess, slot: number): boolean {
    cpu.backing.refreshSystem?.();
    const result = this.#locator.locate(cpu, kvm.toExit());
    this.access.copyFrom(kvm);
    this.#site = undefined;
    this.#result = result;
    if (result.kind === 'mismatch') {
      this.#start = instructionPointer(cpu, codeSize(cpu));
      return false;
    }
    this.#start = result.start;
    this.#sites[slot] = siteOf(cpu, this.#recorder, result) ?? this.#sites[slot];
    return true;
  }
}
