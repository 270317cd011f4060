/**
 * A page of linear addresses together with the page-table entries that led to it. To know that the page is still where it was, it is
 * enough that control registers and entries are what they were: a few loads and compares, and no walk. Accessed and dirty bits,
 * which the CPU sets as it goes, do not count.
 */
import type { CpuState } from './cpu-state.ts';
import type { Linear } from './linear.ts';
import { LOOK, translate } from './paging.ts';
import { PhysicalMemory, type Piece } from './physical.ts';
import { CR4, SYSTEM_WORD } from './system-registers.ts';

const { CR0, CR3, CR3_HIGH, CR4: CR4_WORD, EFER } = SYSTEM_WORD;
/** Accessed and dirty, in the low word of an entry of any kind. */
const SET_BY_CPU = 0x60;
/** Two words an entry, five levels. */
const MAX_WORDS = 10;

/** Guest RAM that notes every entry that a walk looks at. One walk at a time. */
export class WalkRecorder extends PhysicalMemory {
  #page: TrackedPage | undefined;

  override find(gpa: number, length: number): Piece | undefined {
    const piece = super.find(gpa, length);
    if (piece && this.#page) this.#page.note(piece, gpa, length);
    return piece;
  }

  /** Walks to `address`, noting the way in `page`. Returns the guest-physical address, or a negative page-fault result. */
  walk(cpu: CpuState, address: Linear, page: TrackedPage): number {
    this.#page = page;
    const result = translate(cpu, this, address, LOOK);
    this.#page = undefined;
    return result;
  }
}

export class TrackedPage {
  /** Bits 63 to 32 of the page's linear address, and bits 31 to 12; -1 before the first use. */
  hi = -1;
  lo = -1;
  /** Guest-physical address of its first byte; negative if nothing is mapped. */
  frame = -1;
  /** The RAM that it lies in; undefined where a device is. */
  piece: Piece | undefined;
  readonly #recorder: WalkRecorder;
  readonly #context = new Uint32Array(5);
  /** The entries: which RAM, which word there, what it was, and what of it counts. */
  readonly #ram: Uint32Array[] = [];
  readonly #at = new Array<number>(MAX_WORDS).fill(0);
  readonly #values = new Uint32Array(MAX_WORDS);
  readonly #masks = new Uint32Array(MAX_WORDS);
  #count = 0;
  #legacy = false;

  constructor(recorder: WalkRecorder) {
    this.#recorder = recorder;
  }

  /**
   * The guest-physical address of `address`, as {@link translate} finds it. Without `exact` the entries are not looked at: for
   * somebody who knows the true address anyway, and wants to know whether it is the expected one.
   */
  translate(cpu: CpuState, address: Linear, exact: boolean): number {
    const page = address.lo >>> 12;
    if (page !== this.lo || address.hi !== this.hi || !this.#holds(cpu, exact)) this.#walk(cpu, address, page);
    return this.frame < 0 ? this.frame : this.frame + (address.lo & 0xfff);
  }

  /** Called by the recorder before the entry is read: a change in between shows at the next look. */
  note(piece: Piece, gpa: number, length: number): void {
    const first = (gpa - piece.start) >>> 2;
    for (let i = 0; i < length >> 2 && this.#count < MAX_WORDS; i++) {
      const n = this.#count++;
      const mask = (i === 0 && length === 8) || this.#legacy ? ~SET_BY_CPU >>> 0 : 0xffff_ffff;
      this.#ram[n] = piece.words;
      this.#at[n] = first + i;
      this.#masks[n] = mask;
      this.#values[n] = piece.words[first + i]! & mask;
    }
  }

  #holds(cpu: CpuState, exact: boolean): boolean {
    const { systemWords } = cpu;
    const context = this.#context;
    if (systemWords[CR3] !== context[1] || systemWords[CR3_HIGH] !== context[2]) return false;
    if (systemWords[CR0] !== context[0] || systemWords[CR4_WORD] !== context[3] || systemWords[EFER] !== context[4])
      return false;
    if (!exact) return true;
    const values = this.#values;
    for (let i = 0; i < this.#count; i++) {
      if ((this.#ram[i]![this.#at[i]!]! & this.#masks[i]!) >>> 0 !== values[i]) return false;
    }
    return true;
  }

  #walk(cpu: CpuState, address: Linear, page: number): void {
    const { systemWords } = cpu;
    this.#count = 0;
    this.#context.set([
      systemWords[CR0]!,
      systemWords[CR3]!,
      systemWords[CR3_HIGH]!,
      systemWords[CR4_WORD]!,
      systemWords[EFER]!,
    ]);
    this.#legacy = (systemWords[CR4_WORD]! & CR4.PAE) === 0;
    const gpa = this.#recorder.walk(cpu, address, this);
    this.hi = address.hi;
    this.lo = page;
    this.frame = gpa < 0 ? gpa : gpa - (address.lo & 0xfff);
    this.piece = gpa < 0 ? undefined : this.#recorder.find(this.frame, 0x1000);
  }
}
