/**
 * The x87 register stack: registers as values, pushing and popping, stack faults, the control word's rounding and precision, the status
 * word's flags (Intel SDM volume 1, 8.1). Instruction and data pointers are not kept, as CPUs of late do not either.
 */
import type { Execution } from './execution.ts';
import { FE, FloatEnv } from './float-env.ts';
import { F80 } from './float-format.ts';
import { checkPending, summarise } from './x87-control.ts';

const STACK_FAULT = 0x40;
const C1 = 0x200;
/** C0, C1, C2 and C3. */
export const CONDITION = { C0: 0x100, C1, C2: 0x400, C3: 0x4000 } as const;
const CONDITIONS = 0x4700;
/** Exceptions that keep an instruction from having its effect when they are not masked. */
const BEFORE = FE.INVALID | FE.DENORMAL | FE.DIVIDE;
const INTEGER_BIT = 1n << 63n;

/** 80 bits as the register has them, from bits of F80. */
export function toRegister(bits: bigint): bigint {
  const exponent = (bits >> 63n) & 0x7fffn;
  return ((bits >> 63n) << 64n) | (exponent ? INTEGER_BIT : 0n) | (bits & F80.fractionMask);
}

/** Bits of F80; a register with a wrong integer bit is no number, and becomes a signaling NaN (SDM volume 1, 8.2.2). */
export function fromRegister(register: bigint): bigint {
  const top = register >> 64n;
  const exponent = top & 0x7fffn;
  const integer = (register & INTEGER_BIT) !== 0n;
  const fraction = register & F80.fractionMask;
  if (exponent !== 0n && !integer) return (top >> 15n ? F80.signBit : 0n) | F80.infinity | 1n;
  // A pseudo-denormal has the value of the normal number above it.
  const biased = exponent === 0n && integer ? 1n : exponent;
  return ((top >> 15n) << 78n) | (biased << 63n) | fraction;
}

export class X87 {
  readonly x: Execution;
  readonly env: FloatEnv;

  /** Starts a waiting instruction: #MF for what earlier ones left behind. */
  constructor(x: Execution) {
    checkPending(x);
    this.x = x;
    this.env = FloatEnv.ofControlWord(x.fpu.controlWord);
  }

  get top(): number {
    return this.x.fpu.top;
  }

  isEmpty(i: number): boolean {
    return ((this.x.fpu.tags >> ((this.top + i) & 7)) & 1) === 0;
  }

  /** Fraction bits that arithmetic rounds to, by precision control. */
  get precision(): number {
    const control = (this.x.fpu.controlWord >> 8) & 3;
    return control === 0 ? 23 : control === 2 ? 52 : F80.fraction;
  }

  /** ST(i) as bits of F80; an empty one is a stack fault that reads as a NaN. */
  read(i: number): bigint {
    if (!this.isEmpty(i)) return fromRegister(this.x.fpu.readSt(i));
    this.stackFault(false);
    return F80.defaultNan;
  }

  stackFault(overflow: boolean): void {
    this.env.raise(FE.INVALID);
    this.#fault ??= overflow ? 'overflow' : 'underflow';
  }

  #fault: 'overflow' | 'underflow' | undefined;

  /** True after a stack fault: the result is a NaN, whatever the operands. */
  get faulted(): boolean {
    return this.#fault !== undefined;
  }

  /** Whether exceptions so far forbid the effect. */
  get stopped(): boolean {
    return (this.env.raised & ~this.env.masked & BEFORE) !== 0;
  }

  write(i: number, bits: bigint): void {
    const { fpu } = this.x;
    fpu.writeSt(i, toRegister(bits));
    fpu.tags = fpu.tags | (1 << ((this.top + i) & 7));
  }

  push(bits: bigint): void {
    if (!this.isEmpty(7)) {
      this.stackFault(true);
      if (this.stopped) return;
      this.turn(-1);
      this.write(0, F80.defaultNan);
      return;
    }
    if (this.stopped) return;
    this.turn(-1);
    this.write(0, bits);
  }

  pop(): void {
    this.free(0);
    this.turn(1);
  }

  free(i: number): void {
    this.x.fpu.tags = this.x.fpu.tags & ~(1 << ((this.top + i) & 7));
  }

  /** FINCSTP and FDECSTP. */
  turn(by: 1 | -1): void {
    this.x.fpu.setTop(this.top + by);
  }

  /** EMMS: all registers empty, and the stack at its first. */
  empty(): void {
    this.x.fpu.setTop(0);
    this.x.fpu.tags = 0;
  }

  /** Ends an instruction that has nothing to say of rounding: C1 stays unless the stack was at fault. */
  finishKeeping(): void {
    const c1 = this.#fault ? 0 : this.x.fpu.statusWord & C1;
    this.finish();
    this.x.fpu.statusWord = this.x.fpu.statusWord | c1;
  }

  /** Ends the instruction: exceptions into the status word, C1 and, if given, the other condition bits. */
  finish(conditions?: number): void {
    const { fpu } = this.x;
    let status = fpu.statusWord & ~C1;
    // A stack fault comes before anything the operands could raise.
    if (this.#fault) this.env.raised = FE.INVALID;
    if (conditions !== undefined) status = (status & ~CONDITIONS) | conditions;
    status |= this.env.raised;
    if (this.#fault) status |= STACK_FAULT | (this.#fault === 'overflow' ? C1 : 0);
    else if (this.env.raised & FE.PRECISION && this.env.roundedUp && conditions === undefined) status |= C1;
    fpu.statusWord = summarise(fpu, status);
  }
}
