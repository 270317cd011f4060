/**
 * Which instruction caused an exit. RIP stands at it or just past it, depending on the kind of exit and of KVM, so both places
 * are looked at and the one counts whose operands resolve to what KVM reports. What held last time is tried first.
 */

import type { RamRegion } from '../memory/guest-memory.ts';
import { type Access, accessOf } from './access.ts';
import { type CpuState, RIP } from './cpu-state.ts';
import type { Decoder, Instruction } from './decoder.ts';
import { type Exit, explains } from './exit.ts';
import { CodeBytes, MAX_LENGTH } from './fetch.ts';
import { instructionLength, UNKNOWN } from './length.ts';
import { formatLinear, type Linear, linear, plus, roomInPage } from './linear.ts';
import { type CodeSize, codeSize } from './mode.ts';
import { PhysicalMemory } from './physical.ts';
import { touchesPort } from './port-opcodes.ts';
import { describeMismatch } from './reading.ts';

export interface Found {
  readonly kind: 'found';
  readonly instruction: Instruction;
  /** Linear address of its first byte. */
  readonly start: Linear;
  /** Where RIP stands. */
  readonly position: 'at' | 'past';
  /** Operands resolved with the registers of the exit. */
  readonly access: Access;
}

export interface Mismatch {
  readonly kind: 'mismatch';
  /** What stands at RIP, if it decodes. */
  readonly instruction: Instruction | undefined;
  /** One sentence with both readings: KVM's, and the instruction's. */
  readonly reason: string;
}

/** Linear address of the byte at CS:RIP. */
export function instructionPointer(cpu: CpuState, mode: CodeSize): Linear {
  const lo = cpu.halves[RIP * 2]!;
  if (mode === 64) return { hi: cpu.halves[RIP * 2 + 1]!, lo };
  return linear(0, lo + cpu.segments.cs.baseLow);
}

/** A place in the guest's code where the instruction was found `back` bytes before RIP. */
interface Site {
  readonly hi: number;
  readonly back: number;
}
/** Sites are hints, checked at every use; a guest with endless code must not grow the map without end. */
const SITE_LIMIT = 16_384;

export class Locator {
  /** Exits explained, and those whose instruction and KVM's report disagree. */
  found = 0;
  mismatches = 0;
  readonly #decoder: Decoder;
  readonly #memory: PhysicalMemory;
  readonly #code = new CodeBytes();
  readonly #sites = new Map<number, Site>();
  /** Where the last instruction of each kind of exit was found when only one place fitted. */
  readonly #habits: Record<'in' | 'out' | 'read' | 'write', 'at' | 'past'> = {
    in: 'at',
    out: 'at',
    read: 'at',
    write: 'past',
  };

  /** `memory` is the guest's RAM, a GuestMemory for example. */
  constructor(decoder: Decoder, memory: { readonly regions: readonly RamRegion[] }) {
    this.#decoder = decoder;
    this.#memory = new PhysicalMemory(memory.regions);
  }

  /** Finds the instruction behind `exit`. Throws only DisassemblerNeeded, whatever the guest's registers and tables hold. */
  locate(cpu: CpuState, exit: Exit): Found | Mismatch {
    const mode = codeSize(cpu);
    const rip = instructionPointer(cpu, mode);
    const habit = this.#habits[exit.direction];
    let found = habit === 'at' ? this.#at(cpu, exit, rip, mode) : this.#past(cpu, exit, rip, mode);
    if (!found) {
      found = habit === 'at' ? this.#past(cpu, exit, rip, mode) : this.#at(cpu, exit, rip, mode);
      // A repeated string instruction stands at RIP whatever the host's habit is.
      if (found && !found.instruction.prefixes.repeat) this.#habits[exit.direction] = found.position;
    }
    if (found) {
      this.found++;
      return found;
    }
    this.#code.fetch(cpu, this.#memory, rip);
    const instruction = this.#decoder.decode(this.#code.bytes, 0, this.#code.length, mode);
    const access = instruction && accessOf(cpu, instruction, rip);
    this.mismatches++;
    const reason = describeMismatch(exit, formatLinear(rip), instruction, access, this.#code);
    return { kind: 'mismatch', instruction, reason };
  }

  #at(cpu: CpuState, exit: Exit, rip: Linear, mode: CodeSize): Found | undefined {
    const code = this.#code.fetch(cpu, this.#memory, rip);
    if (exit.kind === 'io' && !touchesPort(code.bytes, 0, code.length, mode)) return undefined;
    const instruction = this.#decoder.decode(code.bytes, 0, code.length, mode);
    if (!instruction) return undefined;
    const fit = explains(cpu, this.#memory, instruction, plus(rip, instruction.size), false, exit);
    if (!fit) return undefined;
    const access = accessOf(cpu, instruction, rip, fit === 'moved on');
    return { kind: 'found', instruction, start: rip, position: 'at', access };
  }

  #past(cpu: CpuState, exit: Exit, rip: Linear, mode: CodeSize): Found | undefined {
    const site = this.#sites.get(rip.lo);
    if (site?.hi === rip.hi) {
      const code = this.#code.fetch(cpu, this.#memory, plus(rip, -site.back), site.back);
      const found = this.#candidate(cpu, exit, rip, mode, code.bytes, 0, site.back, code.length);
      if (found) return found;
    }
    return this.#search(cpu, exit, rip, mode);
  }

  /** All instructions of 1 to 15 bytes that end at RIP; among several that fit, the one on the likeliest boundary. */
  #search(cpu: CpuState, exit: Exit, rip: Linear, mode: CodeSize): Found | undefined {
    const window = this.#window(cpu, rip);
    const fitting: Found[] = [];
    for (let back = 1; back <= Math.min(window.length, MAX_LENGTH); back++) {
      const found = this.#candidate(cpu, exit, rip, mode, window, window.length - back, back, back);
      if (found) fitting.push(found);
    }
    const best = fitting.length > 1 ? this.#likeliest(fitting, window, mode) : fitting[0];
    if (best) {
      if (this.#sites.size >= SITE_LIMIT) this.#sites.clear();
      this.#sites.set(rip.lo, { hi: rip.hi, back: best.instruction.size });
    }
    return best;
  }

  #candidate(
    cpu: CpuState,
    exit: Exit,
    rip: Linear,
    mode: CodeSize,
    bytes: Uint8Array,
    offset: number,
    back: number,
    available: number,
  ): Found | undefined {
    if (available < back || !plausible(exit, bytes, offset, back, mode)) return undefined;
    const instruction = this.#decoder.decode(bytes, offset, back, mode);
    if (instruction?.size !== back || !explains(cpu, this.#memory, instruction, rip, true, exit)) return undefined;
    const start = plus(rip, -back);
    return { kind: 'found', instruction, start, position: 'past', access: accessOf(cpu, instruction, start, true) };
  }

  /** Up to 48 bytes that end at RIP; fewer where the page before is absent. */
  #window(cpu: CpuState, rip: Linear): Uint8Array {
    const inPage = (0x1000 - roomInPage(rip)) & 0xfff || 0x1000;
    const window = new Uint8Array(WINDOW);
    let filled = 0;
    while (filled < WINDOW) {
      const boundary = filled < inPage ? inPage - filled : WINDOW;
      const length = Math.min(16, WINDOW - filled, boundary);
      const code = this.#code.fetch(cpu, this.#memory, plus(rip, -filled - length), length);
      if (code.length < length) break;
      filled += length;
      window.set(code.bytes.subarray(0, length), WINDOW - filled);
    }
    return window.subarray(WINDOW - filled);
  }

  /**
   * x86 code read from a wrong boundary falls into step within a few instructions, so reading forward from many starts
   * and counting where the readings arrive tells a prefix from the end of the instruction before.
   */
  #likeliest(fitting: readonly Found[], window: Uint8Array, mode: CodeSize): Found {
    const votes = new Map<number, number>();
    for (let start = 0; start < window.length - MAX_LENGTH; start++) {
      let at = start;
      while (at < window.length) {
        votes.set(at, (votes.get(at) ?? 0) + 1);
        const step = this.#sizeAt(window, at, mode);
        if (step === 0) break;
        at += step;
      }
    }
    const score = (found: Found) => votes.get(window.length - found.instruction.size) ?? 0;
    return fitting.reduce((best, found) => (score(found) > score(best) ? found : best));
  }

  #sizeAt(window: Uint8Array, at: number, mode: CodeSize): number {
    const room = window.length - at;
    return instructionLength(window, at, room, mode) || (this.#decoder.decode(window, at, room, mode)?.size ?? 0);
  }
}

const WINDOW = 48;

/** Whether `back` bytes can be an instruction that makes the exit's kind of access: rules out most places without decoding. */
function plausible(exit: Exit, bytes: Uint8Array, offset: number, back: number, mode: CodeSize): boolean {
  if (exit.kind === 'io' && !touchesPort(bytes, offset, back, mode)) return false;
  const length = instructionLength(bytes, offset, Math.min(bytes.length - offset, MAX_LENGTH), mode);
  return length === back || length === UNKNOWN;
}
