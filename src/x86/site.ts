/**
 * A place in the guest's code that trapped before, with all that is needed to know it again: where its bytes are, what they were, and
 * how its operands are read. Looking at a site costs some dozen loads and compares, and makes no objects for a port access. It is used
 * for instructions that make one plain access; string and stack instructions are looked at anew each time.
 */
import { touchAddress, valueHalves } from './access.ts';
import { type CpuState, KVM_ORDER, RIP } from './cpu-state.ts';
import type { Instruction } from './decoder.ts';
import { plus } from './linear.ts';
import type { Found } from './locate.ts';
import type { CodeSize } from './mode.ts';
import type { Touch } from './shape.ts';
import { SYSTEM_WORD } from './system-registers.ts';
import { TrackedPage, type WalkRecorder } from './tracked-page.ts';
import type { TrappedAccess } from './trapped.ts';

const { CS_BASE, CS_ATTRIBUTES, EFER } = SYSTEM_WORD;
const RAX = 0;
const RDX = KVM_ORDER[2] * 2;
/** By width in bytes: the bits of an access's low 32. */
const MASKS = [0, 0xff, 0xffff, 0, 0xffff_ffff, 0, 0, 0, 0xffff_ffff];
/** Words that 15 bytes may touch. */
const MAX_WORDS = 5;

export class Site {
  readonly found: Found;
  /** Where the CPU stood at the exit, at the instruction or behind it, and in which mode. */
  readonly #ripLo: number;
  readonly #ripHi: number;
  readonly #csBase: number;
  readonly #csAttributes: number;
  readonly #efer: number;
  readonly #mode: CodeSize;
  readonly #code: TrackedPage;
  readonly #frame: number;
  /** The instruction's bytes as aligned words of guest RAM, with what was there. */
  readonly #first: number;
  readonly #values: readonly number[];
  readonly #masks: readonly number[];
  readonly #touch: Touch | undefined;
  readonly #data: TrackedPage;
  readonly #writes: boolean;

  private constructor({ halves, systemWords }: CpuState, found: Found, code: TrackedPage, data: TrackedPage) {
    const { instruction, start } = found;
    this.found = found;
    this.#ripLo = halves[RIP * 2]!;
    this.#ripHi = halves[RIP * 2 + 1]!;
    this.#csBase = systemWords[CS_BASE]!;
    this.#csAttributes = systemWords[CS_ATTRIBUTES]!;
    this.#efer = systemWords[EFER]!;
    this.#mode = instruction.mode;
    this.#code = code;
    this.#data = data;
    this.#frame = code.frame;
    const at = code.frame + (start.lo & 0xfff) - code.piece!.start;
    this.#first = at >>> 2;
    const { values, masks } = wordsOf(instruction.bytes, at & 3);
    this.#values = values;
    this.#masks = masks;
    this.#touch = instruction.shape.touches[0];
    this.#writes = instruction.shape.operation === 'out' || this.#touch?.direction === 'write';
  }

  /** A site for what was found, or undefined if it is not of the plain kind, or lies across pages. */
  static of(cpu: CpuState, recorder: WalkRecorder, found: Found): Site | undefined {
    const { instruction, start } = found;
    if (!isPlain(instruction) || (start.lo & 0xfff) + instruction.size > 0x1000) return undefined;
    const code = new TrackedPage(recorder);
    if (code.translate(cpu, start) < 0 || !code.piece) return undefined;
    const site = new Site(cpu, found, code, new TrackedPage(recorder));
    return site.#unchanged() ? site : undefined;
  }

  /** Whether the CPU stands where it stood. */
  isAt({ halves, systemWords }: CpuState): boolean {
    if (halves[RIP * 2] !== this.#ripLo || halves[RIP * 2 + 1] !== this.#ripHi) return false;
    if (systemWords[CS_ATTRIBUTES] !== this.#csAttributes || systemWords[CS_BASE] !== this.#csBase) return false;
    return systemWords[EFER] === this.#efer;
  }

  /**
   * Reads the instruction again for an exit at the same RIP: true, and `reading` is what it does with the present registers, if
   * its bytes are still there and agree with `kvm`.
   */
  explains(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess): boolean {
    if (this.#code.translate(cpu, this.found.start) < 0 || this.#code.frame !== this.#frame || !this.#unchanged())
      return false;
    return kvm.port ? this.#port(cpu, kvm, reading) : this.#memory(cpu, kvm, reading);
  }

  #unchanged(): boolean {
    const { words } = this.#code.piece!;
    const values = this.#values;
    for (let i = 0; i < values.length; i++) {
      if ((words[this.#first + i]! & this.#masks[i]!) !== values[i]) return false;
    }
    return true;
  }

  #port(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess): boolean {
    const { port, width } = this.found.instruction.shape;
    if (port === undefined || kvm.count !== 1 || this.#writes !== kvm.write || width !== kvm.width) return false;
    const address = port === 'dx' ? cpu.halves[RDX]! & 0xffff : port;
    const value = kvm.write ? (cpu.halves[RAX]! & MASKS[width]!) >>> 0 : 0;
    if (address !== kvm.address || value !== kvm.value) return false;
    reading.port = true;
    reading.write = this.#writes;
    reading.address = address;
    reading.width = width;
    reading.count = 1;
    reading.value = value;
    reading.valueHigh = 0;
    return true;
  }

  #memory(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess): boolean {
    const touch = this.#touch;
    if (!touch || touch.width !== kvm.width) return false;
    if (touch.direction !== 'read-modify-write' && this.#writes !== kvm.write) return false;
    const { instruction, start, position } = this.found;
    const at = touchAddress(cpu, touch, plus(start, instruction.size), this.#mode, position === 'past');
    if ((at.lo & 0xfff) + touch.width > 0x1000) return false;
    const address = this.#data.translate(cpu, at);
    if (address !== kvm.address) return false;
    reading.copyFrom(kvm);
    reading.address = address;
    // The value that was written is still in its register; that of a read-modify-write is known to KVM alone.
    return !this.#writes || this.#value(cpu, kvm, reading);
  }

  #value(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess): boolean {
    const { width } = kvm;
    const operand = this.found.instruction.shape.value;
    if (!operand || (operand.kind === 'register' && operand.width !== width)) return true;
    const value = valueHalves(cpu, operand);
    if (!value) return true;
    reading.value = (value.lo & MASKS[width]!) >>> 0;
    reading.valueHigh = width === 8 ? value.hi : 0;
    return reading.value === kvm.value && reading.valueHigh === kvm.valueHigh;
  }
}

/** One access, of a width that its registers say, neither repeated nor by the stack pointer. */
function isPlain({ shape, prefixes }: Instruction): boolean {
  if (shape.port !== undefined) return shape.touches.length === 0;
  const [touch, second] = shape.touches;
  if (!touch || second || touch.moves || prefixes.repeat) return false;
  return (MASKS[touch.width] ?? 0) !== 0;
}

/** `bytes`, of which the first lies `shift` bytes into a word, as words to compare with and the bits that count. */
function wordsOf(bytes: Uint8Array, shift: number): { values: number[]; masks: number[] } {
  const count = (shift + bytes.length + 3) >> 2;
  const values = new DataView(new ArrayBuffer(MAX_WORDS * 4));
  const masks = new DataView(new ArrayBuffer(MAX_WORDS * 4));
  for (const [i, byte] of bytes.entries()) {
    values.setUint8(shift + i, byte);
    masks.setUint8(shift + i, 0xff);
  }
  // Signed, as the bitwise operators give them.
  const list = (view: DataView) => Array.from({ length: count }, (_, i) => view.getInt32(i * 4, true));
  return { values: list(values), masks: list(masks) };
}
