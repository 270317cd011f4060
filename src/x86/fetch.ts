/**
 * The bytes at RIP, read through the guest's page tables. An instruction may cross into a page that is absent: then fewer bytes
 * come back, and the decoder says whether they suffice.
 */
import type { CpuState } from './cpu-state.ts';
import { type Linear, plus, roomInPage } from './linear.ts';
import { LOOK, translate } from './paging.ts';
import type { PhysicalMemory } from './physical.ts';

/** The longest instruction (SDM volume 2, 2.3.11). */
export const MAX_LENGTH = 15;

/** Why a fetch stopped short: the first address that could not be read, and the result of its walk (RAM is missing if positive). */
export interface FetchStop {
  readonly address: Linear;
  readonly result: number;
}

/** A buffer for instruction bytes, reused at every exit. */
export class CodeBytes {
  readonly bytes = new Uint8Array(16);
  /** How many of `bytes` are valid; the rest are zero. */
  length = 0;
  /** Set when fewer bytes than asked could be read. */
  stop: FetchStop | undefined;

  /**
   * Reads up to `wanted` (at most 16) bytes at the linear address. `access` is what the walk checks; the default looks only.
   */
  fetch(cpu: CpuState, memory: PhysicalMemory, at: Linear, wanted = MAX_LENGTH, access = LOOK): this {
    this.stop = undefined;
    const first = Math.min(wanted, roomInPage(at));
    this.length = this.#piece(cpu, memory, at, 0, first, access);
    if (this.length === first && first < wanted) {
      this.length += this.#piece(cpu, memory, plus(at, first), first, wanted - first, access);
    }
    for (let i = this.length; i < this.bytes.length; i++) this.bytes[i] = 0;
    return this;
  }

  #piece(cpu: CpuState, memory: PhysicalMemory, at: Linear, offset: number, length: number, access: number): number {
    const gpa = translate(cpu, memory, at, access);
    if (gpa < 0 || !memory.copy(gpa, length, this.bytes, offset)) {
      this.stop = { address: at, result: gpa };
      return 0;
    }
    return length;
  }
}
