/**
 * A place in the guest's code where an instruction trapped: the CPU's position and mode, where in RAM the bytes are, and what they
 * were. To know the place again takes a dozen loads and compares, which is what this is for: it is done at every exit.
 */
import { type CpuState, RIP } from './cpu-state.ts';
import type { Found } from './locate.ts';
import { SYSTEM_WORD } from './system-registers.ts';
import { TrackedPage, type WalkRecorder } from './tracked-page.ts';

const { CS_BASE, CS_ATTRIBUTES, CR3 } = SYSTEM_WORD;
const RIP_LO = RIP * 2;
const RIP_HI = RIP * 2 + 1;
/** Words that 15 bytes may touch. */
const MAX_WORDS = 5;

export class Place {
  readonly found: Found;
  /** RIP at the exit: at the instruction or behind it. */
  readonly #ripLo: number;
  readonly #ripHi: number;
  readonly #csBase: number;
  readonly #csAttributes: number;
  #cr3: number;
  readonly #page: TrackedPage;
  readonly #frame: number;
  /** The instruction's bytes as aligned words of RAM: what was in the first two, and which bits of them count. */
  readonly #words: Uint32Array;
  readonly #first: number;
  readonly #value0: number;
  readonly #mask0: number;
  readonly #value1: number;
  readonly #mask1: number;
  /** The other three, which few instructions have. */
  readonly #values: Int32Array | undefined;
  readonly #masks: Int32Array | undefined;

  /** Throws RangeError unless the instruction's bytes lie in one page of RAM: ask {@link fits} first. */
  constructor({ halves, systemWords }: CpuState, found: Found, page: TrackedPage) {
    const { instruction, start } = found;
    const { frame, piece } = page;
    if (!piece) throw new RangeError('a place outside RAM');
    this.found = found;
    this.#ripLo = halves[RIP_LO]!;
    this.#ripHi = halves[RIP_HI]!;
    this.#csBase = systemWords[CS_BASE]!;
    this.#csAttributes = systemWords[CS_ATTRIBUTES]!;
    this.#cr3 = systemWords[CR3]!;
    this.#page = page;
    this.#frame = frame;
    const at = frame + (start.lo & 0xfff) - piece.start;
    this.#words = piece.words;
    this.#first = at >>> 2;
    const values = wordsOf(instruction.bytes, at & 3, byte => byte);
    const masks = wordsOf(instruction.bytes, at & 3, () => 0xff);
    this.#value0 = values[0]!;
    this.#mask0 = masks[0]!;
    this.#value1 = values[1]!;
    this.#mask1 = masks[1]!;
    if ((at & 3) + instruction.size > 8) {
      this.#values = values;
      this.#masks = masks;
    }
  }

  /** The page of an instruction that a place can be made of, or undefined. */
  static page(cpu: CpuState, recorder: WalkRecorder, { instruction, start }: Found): TrackedPage | undefined {
    if ((start.lo & 0xfff) + instruction.size > 0x1000) return undefined;
    const page = new TrackedPage(recorder);
    return page.translate(cpu, start, true) >= 0 && page.piece ? page : undefined;
  }

  /**
   * Whether the CPU stands here, and the bytes are what they were. Page tables are compared only if `exact`, or when CR3 has changed;
   * without `exact` the system registers may be older than the exit, too. Code that was mapped elsewhere meanwhile is then taken for what it
   * was, which matters to nobody but somebody who reads the instruction's text: an access is believed only if KVM has seen the very same.
   */
  holds(cpu: CpuState, exact: boolean): boolean {
    const { halves, systemWords } = cpu;
    if (halves[RIP_LO] !== this.#ripLo || halves[RIP_HI] !== this.#ripHi) return false;
    if (systemWords[CS_ATTRIBUTES] !== this.#csAttributes || systemWords[CS_BASE] !== this.#csBase) return false;
    const words = this.#words;
    const first = this.#first;
    if ((words[first]! & this.#mask0) !== this.#value0 || (words[first + 1]! & this.#mask1) !== this.#value1)
      return false;
    if (this.#values !== undefined && !this.#restHolds(this.#values)) return false;
    return (!exact && systemWords[CR3] === this.#cr3) || this.#isMapped(cpu);
  }

  /** Whether the page is still where it was. */
  #isMapped(cpu: CpuState): boolean {
    if (this.#page.translate(cpu, this.found.start, true) < 0 || this.#page.frame !== this.#frame) return false;
    this.#cr3 = cpu.systemWords[CR3]!;
    return true;
  }

  #restHolds(values: Int32Array): boolean {
    for (let i = 2; i < MAX_WORDS; i++) {
      const mask = this.#masks![i]!;
      if (mask !== 0 && (this.#words[this.#first + i]! & mask) !== values[i]) return false;
    }
    return true;
  }
}

/** `bytes`, of which the first lies `shift` bytes into a word, as five words. */
function wordsOf(bytes: Uint8Array, shift: number, map: (byte: number) => number): Int32Array {
  const words = new Int32Array(MAX_WORDS);
  for (const [i, byte] of bytes.entries()) words[(shift + i) >> 2]! |= map(byte) << (((shift + i) & 3) * 8);
  return words;
}
