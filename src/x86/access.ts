/**
 * An instruction together with a CPU's registers: the typed access that handlers get. Effective addresses follow the SDM (volume 1,
 * 3.7.5): 16, 32 or 64 bits by the address size, then the segment's base.
 */
import { type CpuState, KVM_ORDER, RFLAGS, RIP } from './cpu-state.ts';
import type { Instruction } from './decoder.ts';
import { type Linear, linear, plus } from './linear.ts';
import type { CodeSize } from './mode.ts';
import type { Immediate, MemoryOperand } from './operands.ts';
import type { Register, SegmentName } from './registers.ts';
import type { Operation, Touch } from './shape.ts';
import { FLAG } from './system-registers.ts';

export interface Access {
  readonly operation: Operation;
  /** In bytes; 0 if unknown. */
  readonly width: number;
  readonly port: number | undefined;
  /** Register or immediate beside the port or memory operand. */
  readonly value: Register | Immediate | undefined;
  /** Linear address of the first memory operand. */
  readonly address: Linear | undefined;
  /** How often a string instruction still runs; 1 without a repeat prefix. */
  readonly count: number;
}

/** Half registers of a general register (or RIP) in `cpu.halves`. */
function slotOf(register: Register): number {
  return register.file === 'general' ? KVM_ORDER[register.number]! * 2 : RIP * 2;
}

function defaultSegment(operand: MemoryOperand): SegmentName {
  const base = operand.base;
  return base?.file === 'general' && (base.number === 4 || base.number === 5) ? 'ss' : 'ds';
}

/** Adds the segment base. In 64-bit mode only FS and GS have one; elsewhere linear addresses have 32 bits. */
export function segmented(cpu: CpuState, segment: SegmentName, offset: Linear, mode: CodeSize): Linear {
  if (mode === 64) {
    if (segment !== 'fs' && segment !== 'gs') return offset;
    const { baseLow, baseHigh } = cpu.segments[segment];
    const sum = plus(offset, baseLow);
    return linear(sum.hi + baseHigh, sum.lo);
  }
  return linear(0, offset.lo + cpu.segments[segment].baseLow);
}

/** The offset in the segment; `next` is the address after the instruction. */
function offsetOf(cpu: CpuState, operand: MemoryOperand, next: Linear): Linear {
  const { base, index, displacement } = operand;
  let { hi, lo } = displacement;
  // Without registers the displacement is the whole offset, already cut by its encoding.
  const bits = (base ?? index)?.width ?? 8;
  if (base) {
    const from = base.file === 'special' ? undefined : slotOf(base);
    lo += from === undefined ? next.lo : cpu.halves[from]!;
    hi += from === undefined ? next.hi : cpu.halves[from + 1]!;
  }
  if (index?.file === 'general') {
    const from = slotOf(index);
    lo += cpu.halves[from]! * operand.scale;
    hi += cpu.halves[from + 1]! * operand.scale;
  }
  hi += Math.floor(lo / 0x1_0000_0000);
  if (bits === 8) return linear(hi, lo);
  return bits === 4 ? linear(0, lo) : linear(0, lo & 0xffff);
}

/** The linear address of a memory operand. `next` is the linear RIP after the instruction. */
export function effectiveAddress(cpu: CpuState, operand: MemoryOperand, next: Linear, mode: CodeSize): Linear {
  const segment = operand.segment ?? defaultSegment(operand);
  return segmented(cpu, segment, offsetOf(cpu, operand, next), mode);
}

/**
 * Where a touch goes. Before the instruction ran (`done` false) a push writes below the stack pointer; after it, string and
 * stack registers have moved, and the address is that of the element just handled.
 */
export function touchAddress(cpu: CpuState, touch: Touch, next: Linear, mode: CodeSize, done: boolean): Linear {
  const address = effectiveAddress(cpu, touch.operand, next, mode);
  switch (touch.moves) {
    case 'string':
      if (!done) return address;
      return plus(address, cpu.halves[RFLAGS * 2]! & FLAG.DF ? touch.width : -touch.width);
    case 'push':
      return done ? address : plus(address, -touch.width);
    case 'pop':
      return done ? plus(address, -touch.width) : address;
    default:
      return address;
  }
}

/** The count register by address size, as a number (exact below 2^53). */
function repeatCount(cpu: CpuState, instruction: Instruction): number {
  if (!instruction.prefixes.repeat) return 1;
  const normal = instruction.mode === 64 ? 8 : instruction.mode / 8;
  const width = instruction.prefixes.addressSize ? (normal === 4 ? 2 : 4) : normal;
  const slot = KVM_ORDER[1]! * 2;
  const lo = cpu.halves[slot]!;
  if (width === 2) return lo & 0xffff;
  return width === 4 ? lo : cpu.halves[slot + 1]! * 0x1_0000_0000 + lo;
}

/** The port of an I/O instruction. */
export function portOf(cpu: CpuState, instruction: Instruction): number | undefined {
  const { port } = instruction.shape;
  return port === 'dx' ? cpu.halves[KVM_ORDER[2]! * 2]! & 0xffff : port;
}

/** The access that `instruction`, which starts at the linear address `at`, makes with the CPU's present registers. */
export function accessOf(cpu: CpuState, instruction: Instruction, at: Linear, done = false): Access {
  const { shape, size, mode } = instruction;
  const touch = shape.touches[0];
  const isString = touch?.moves === 'string';
  return {
    operation: shape.operation,
    width: shape.width,
    port: portOf(cpu, instruction),
    value: shape.value,
    address: touch ? touchAddress(cpu, touch, plus(at, size), mode, done) : undefined,
    count: isString ? repeatCount(cpu, instruction) : 1,
  };
}

/** The low 64 bits of a value operand as halves; undefined for registers outside the general and segment files. */
export function valueHalves(cpu: CpuState, value: Register | Immediate): Linear | undefined {
  if (value.kind === 'immediate') {
    return linear(Number(value.value >> 32n), Number(value.value & 0xffff_ffffn));
  }
  if (value.file === 'general') {
    const slot = slotOf(value);
    const lo = cpu.halves[slot]!;
    if (value.high) return linear(0, (lo >>> 8) & 0xff);
    return linear(value.width === 8 ? cpu.halves[slot + 1]! : 0, lo);
  }
  if (value.file === 'segment') return linear(0, cpu.segments[value.name as SegmentName].selector);
  return undefined;
}
