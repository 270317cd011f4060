/**
 * The general half of what an instruction sees: operands by position, whether they are registers, memory or immediates, flags, and
 * addresses. Faults are thrown and undo every general register.
 */
import { type CpuState, KVM_ORDER, REGS_SIZE, RFLAGS } from '../cpu-state.ts';
import type { Linear } from '../linear.ts';
import { NotEmulated } from './fault.ts';
import { maskOf } from './flags.ts';
import type { Form } from './form.ts';
import { FpuState } from './fpu-state.ts';
import type { LinearMemory } from './linear-memory.ts';
import { exchange } from './locked.ts';
import { checkSegment, nextOffset, operandOffset } from './segmentation.ts';
import type { Avx512Layout } from './xsave-area.ts';

const scratch = new Uint8Array(32);
const scratchView = new DataView(scratch.buffer);
const SCRATCH_PARTS = Array.from({ length: 33 }, (_, size) => scratch.subarray(0, size));

export class OperandAccess {
  readonly cpu: CpuState;
  readonly memory: LinearMemory;
  form!: Form;
  /** Set by an instruction that is to be delivered as a software interrupt once RIP stands behind it. */
  interrupt: number | undefined;
  /** Where a branch goes: RIP after the instruction, instead of the next one. */
  target: bigint | undefined;
  /** Set by IRET: RF came from the stack. */
  keepResumeFlag = false;
  /** Set by a repeated string instruction that has more to do: RIP stays. */
  again = false;
  #fpu: FpuState | undefined;
  readonly #saved = new BigUint64Array(REGS_SIZE / 8);

  constructor(cpu: CpuState, memory: LinearMemory) {
    this.cpu = cpu;
    this.memory = memory;
  }

  /** Starts on a new instruction: nothing remembered of the last one. */
  begin(form: Form): void {
    this.form = form;
    this.interrupt = undefined;
    this.target = undefined;
    this.again = false;
    this.keepResumeFlag = false;
    this.commit();
  }

  /** FPU and vector state is the vCPU's again: fetch it anew when needed. */
  forgetFpu(): void {
    this.#fpu = undefined;
  }

  /** Gives the instruction up: it is in the table, but not in this situation. */
  refuse(): never {
    throw new NotEmulated();
  }

  /** Makes what was done so far last, even if the instruction faults later: an element of a repeated string instruction. */
  commit(): void {
    this.#saved.set(this.cpu.words);
  }

  /** Puts all general registers and flags back to the last commit. */
  undo(): void {
    this.cpu.words.set(this.#saved);
  }

  /** FPU and vector registers; fetched from the vCPU at the first use. */
  get fpu(): FpuState {
    this.#fpu ??= new FpuState(this.cpu.backing.xsave(), this.#avx512());
    return this.#fpu;
  }

  /** Where AVX-512 state lies. */
  #avx512(): Avx512Layout {
    const { backing } = this.cpu;
    this.#layout ??= {
      opmask: backing.cpuid(0xd, 5)[1],
      zmmHigh: backing.cpuid(0xd, 6)[1],
      hi16: backing.cpuid(0xd, 7)[1],
    };
    return this.#layout;
  }
  #layout: Avx512Layout | undefined;

  /** True if the instruction changed FPU or vector state. */
  get fpuChanged(): boolean {
    return this.#fpu?.changed ?? false;
  }

  get flags(): number {
    return this.cpu.halves[RFLAGS * 2]!;
  }

  set flags(value: number) {
    this.cpu.halves[RFLAGS * 2] = value;
  }

  /** Sets the flags in `mask` to `value`'s and leaves the others. */
  setFlags(mask: number, value: number): void {
    this.flags = (this.flags & ~mask) | (value & mask);
  }

  /** RIP after this instruction, cut to the code size. */
  get next(): bigint {
    return nextOffset(this.cpu, this.form);
  }

  /** Operand width in bytes. */
  width(i: number): number {
    return this.form.operands[i]!.width;
  }

  isMemory(i: number): boolean {
    return this.form.operands[i]!.kind === 'memory';
  }

  /** The immediate operand `i` as an unsigned byte. */
  byte(i: number): number {
    const operand = this.form.operands[i]!;
    return operand.kind === 'immediate' ? Number(operand.value & 0xffn) : 0;
  }

  /** General register `number`, its low `width` bytes. */
  general(number: number, width: number): bigint {
    const value = this.cpu.words[KVM_ORDER[number]!]!;
    return width === 8 ? value : value & maskOf(width);
  }

  /** Writes the low `width` bytes of a general register: 4 clear the upper half, 1 and 2 leave the rest. */
  setGeneral(number: number, width: number, value: bigint): void {
    const at = KVM_ORDER[number]!;
    const { words } = this.cpu;
    const mask = maskOf(width);
    words[at] = width >= 4 ? value & mask : (words[at]! & ~mask) | (value & mask);
  }

  /** Operand `i`, unsigned, cut to its width. */
  get(i: number): bigint {
    const operand = this.form.operands[i]!;
    switch (operand.kind) {
      case 'general': {
        if (operand.high) return (this.general(operand.number, 2) >> 8n) & 0xffn;
        return this.general(operand.number, operand.width);
      }
      case 'immediate':
        return operand.value & maskOf(operand.width);
      case 'memory':
        return this.read(this.address(operand.width), operand.width);
      case 'vector':
        return this.fpu.lowBits(operand.number) & maskOf(operand.width);
      case 'mask':
        return this.fpu.readMask(operand.number) & maskOf(operand.width);
      case 'segment':
      case 'stack':
        throw new RangeError('segment and x87 registers have rows of their own');
    }
  }

  /** Operand `i`, signed. */
  signed(i: number): bigint {
    return BigInt.asIntN(8 * this.width(i), this.get(i));
  }

  set(i: number, value: bigint): void {
    const operand = this.form.operands[i]!;
    if (operand.kind === 'memory') this.write(this.address(operand.width), operand.width, value);
    else if (operand.kind === 'general') {
      if (operand.high) {
        const rest = this.general(operand.number, 2) & 0xffn;
        this.setGeneral(operand.number, 2, rest | ((value & 0xffn) << 8n));
      } else this.setGeneral(operand.number, operand.width, value);
    } else if (operand.kind === 'mask') this.fpu.writeMask(operand.number, value & maskOf(operand.width));
    else throw new RangeError(`operand ${i} of ${this.form.row.name} cannot be written`);
  }

  /** Reads operand `i`, writes what `change` makes of it: atomically in RAM with LOCK. `change` may run more than once. */
  update(i: number, change: (old: bigint) => bigint): void {
    const operand = this.form.operands[i]!;
    if (operand.kind !== 'memory') {
      this.set(i, change(this.get(i)));
      return;
    }
    const { width } = operand;
    const address = this.address(width);
    const gpa = this.memory.gpaForWrite(address, width);
    const place = gpa !== undefined && gpa % width === 0 ? this.memory.physical.bytes(gpa, width) : undefined;
    if (place && (this.form.lock || this.form.row.name === 'xchg')) exchange(place, width, change);
    else this.write(address, width, change(this.read(address, width)));
  }

  /** The linear address of the memory operand, checked for `length` bytes (#GP, #SS). */
  address(length: number, add = 0n): Linear {
    const form = this.form.address!;
    const offset = operandOffset(this.cpu, this.form, form, add);
    return checkSegment(this.cpu, this.form.mode, form.segment, offset, length);
  }

  /** The linear address of [RDI + add] in DS or the overriding segment, for MASKMOVDQU. */
  stringDestination(add: number): Linear {
    const { mode, addressSize, stringSegment } = this.form;
    const offset = (this.general(7, addressSize) + BigInt(add)) & maskOf(addressSize);
    return checkSegment(this.cpu, mode, stringSegment, offset, 1);
  }

  /** The offset of the memory operand in its segment, as LEA has it. */
  offset(): bigint {
    return operandOffset(this.cpu, this.form, this.form.address!, 0n);
  }

  /** A little-endian value of 1, 2, 4 or 8 bytes at a linear address. */
  read(address: Linear, width: number): bigint {
    const part = SCRATCH_PARTS[width]!;
    this.memory.read(address, part);
    return littleEndian(width);
  }

  write(address: Linear, width: number, value: bigint): void {
    scratchView.setBigUint64(0, BigInt.asUintN(64, value), true);
    this.memory.write(address, SCRATCH_PARTS[width]!);
  }
}

function littleEndian(width: number): bigint {
  switch (width) {
    case 1:
      return BigInt(scratchView.getUint8(0));
    case 2:
      return BigInt(scratchView.getUint16(0, true));
    case 4:
      return BigInt(scratchView.getUint32(0, true));
    default:
      return scratchView.getBigUint64(0, true);
  }
}
