/**
 * A virtual CPU's registers over plain memory, laid out as KVM's run page and its GET ioctls lay them out (`struct kvm_regs`,
 * `struct kvm_sregs`, an XSAVE area), so that the owner of a vCPU hands its bytes over without copying. General registers are read
 * as 32-bit halves on the hot path and as bigints elsewhere.
 */

import { SEGMENT_NAMES, type SegmentName } from './registers.ts';
import { type SegmentState, SREGS_SIZE, type SystemRegisters, segmentAt, systemRegisters } from './system-registers.ts';

/** Size of `struct kvm_regs`: rax rbx rcx rdx rsi rdi rsp rbp r8..r15 rip rflags, 8 bytes each. */
export const REGS_SIZE = 144;
/** Room for an XSAVE area in standard format; KVM_GET_XSAVE fills 4096 bytes. */
export const XSAVE_SIZE = 4096;
export { SREGS_SIZE };

/** Where the register with hardware number n stands in `struct kvm_regs`, in units of 8 bytes. */
export const KVM_ORDER = [0, 2, 3, 1, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15] as const;
export const RIP = 16;
export const RFLAGS = 17;

/** What the owner of a vCPU provides. Everything but the two byte areas is asked for only when an instruction needs it. */
export interface CpuBacking {
  /** `struct kvm_regs`, 144 bytes, 8-aligned. */
  readonly registers: Uint8Array;
  /** `struct kvm_sregs`, 312 bytes, 8-aligned. */
  readonly system: Uint8Array;
  /** Fetches `system`, where an exit does not bring it along. */
  refreshSystem?(): void;
  /** The XSAVE area, standard format, at least 832 bytes. Called once for an instruction that uses FPU or vector state. */
  xsave(): Uint8Array;
  /** XCR0. */
  xcr0(): bigint;
  setXcr0(value: bigint): void;
  /** The MSR's value, or undefined if there is no such MSR. */
  readMsr(index: number): bigint | undefined;
  /** False if there is no such MSR or it refuses the value. */
  writeMsr(index: number, value: bigint): boolean;
  /**
   * In one step, as other CPUs see it too: compares 16 aligned bytes of RAM with the first two of `values`, stores the other two if they
   * are equal, and leaves what was found in the first two. Without it CMPXCHG16B takes two steps.
   */
  exchange16?(place: Uint8Array, values: BigUint64Array): void;
  /** CPUID as the guest sees it: EAX, EBX, ECX, EDX. */
  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number];
}

/** Parts of the state that an instruction changed and that the owner must hand back to the vCPU. */
export interface ChangedParts {
  registers: boolean;
  system: boolean;
  xsave: boolean;
}

export class CpuState {
  readonly backing: CpuBacking;
  /** The general registers, RIP and RFLAGS as 36 halves: low half of register n of `struct kvm_regs` at 2n. */
  readonly halves: Uint32Array;
  /** The same as 18 words. */
  readonly words: BigUint64Array;
  readonly system: SystemRegisters;
  /** `struct kvm_sregs` as 32-bit words, for what is looked at in every exit; see SYSTEM_WORD. */
  readonly systemWords: Uint32Array;
  readonly segments: Readonly<Record<SegmentName, SegmentState>>;
  /** Set by the emulator, cleared by the owner. */
  readonly changed: ChangedParts = { registers: false, system: false, xsave: false };

  constructor(backing: CpuBacking) {
    this.backing = backing;
    const { buffer, byteOffset } = backing.registers;
    this.halves = new Uint32Array(buffer, byteOffset, REGS_SIZE / 4);
    this.words = new BigUint64Array(buffer, byteOffset, REGS_SIZE / 8);
    this.system = systemRegisters.over(backing.system);
    this.systemWords = new Uint32Array(backing.system.buffer, backing.system.byteOffset, SREGS_SIZE / 4);
    const segments: Partial<Record<SegmentName, SegmentState>> = {};
    for (const name of SEGMENT_NAMES) segments[name] = segmentAt(backing.system, name);
    this.segments = segments as Record<SegmentName, SegmentState>;
  }

  /** General register by hardware number (0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 to 15). */
  register(number: number): bigint {
    return this.words[KVM_ORDER[number]!]!;
  }

  setRegister(number: number, value: bigint): void {
    this.words[KVM_ORDER[number]!] = value;
  }

  get rip(): bigint {
    return this.words[RIP]!;
  }

  set rip(value: bigint) {
    this.words[RIP] = value;
  }

  get rflags(): bigint {
    return this.words[RFLAGS]!;
  }

  set rflags(value: bigint) {
    this.words[RFLAGS] = value;
  }

  /** RFLAGS bits 31 to 0; all defined flags are there. */
  get flags(): number {
    return this.halves[RFLAGS * 2]!;
  }
}
