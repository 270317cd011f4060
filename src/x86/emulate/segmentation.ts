/**
 * From an offset to a linear address: the segment's base, and the checks of its limit and type, or of canonical form in 64-bit
 * mode (Intel SDM volume 3, 5.3 and 3.3.7.1).
 */
import { type CpuState, RIP } from '../cpu-state.ts';
import { type Linear, linearOf } from '../linear.ts';
import type { CodeSize } from '../mode.ts';
import type { SegmentName } from '../registers.ts';
import { CR4 } from '../system-registers.ts';
import { CpuFault, VECTOR } from './fault.ts';
import { maskOf } from './flags.ts';
import type { Form, FormAddress } from './form.ts';

/** RIP after the instruction, cut to the code size. */
export function nextOffset(cpu: CpuState, form: Form): bigint {
  const rip = cpu.words[RIP]! + BigInt(form.size);
  return form.mode === 64 ? BigInt.asUintN(64, rip) : rip & 0xffff_ffffn;
}

/** The offset of a memory operand in its segment, plus `add`, cut to the address size. */
export function operandOffset(cpu: CpuState, form: Form, address: FormAddress, add: bigint): bigint {
  if (address.absolute !== undefined) return BigInt.asUintN(64, address.absolute + add);
  let sum = BigInt(address.displacement) + add;
  if (address.base === RIP) sum += nextOffset(cpu, form);
  else if (address.base >= 0) sum += cpu.register(address.base);
  if (address.index >= 0) sum += cpu.register(address.index) * BigInt(address.scale);
  return sum & maskOf(form.addressSize);
}

function refuse(segment: SegmentName): never {
  throw new CpuFault(segment === 'ss' ? VECTOR.SS : VECTOR.GP, 0);
}

/** True for a linear address whose upper bits repeat the highest implemented one. */
export function isCanonicalAddress(cpu: CpuState, address: bigint): boolean {
  const bits = cpu.system.cr4Low & CR4.LA57 ? 57 : 48;
  return BigInt.asUintN(64, BigInt.asIntN(bits, address)) === address;
}

/** The linear address of `offset` in `segment`, good for `length` bytes; throws #GP, or #SS for the stack segment. */
export function checkSegment(
  cpu: CpuState,
  mode: CodeSize,
  segment: SegmentName,
  offset: bigint,
  length: number,
): Linear {
  const state = cpu.segments[segment];
  if (mode === 64) {
    const flat = segment !== 'fs' && segment !== 'gs';
    const address = flat ? offset : BigInt.asUintN(64, offset + state.base);
    if (!isCanonicalAddress(cpu, address)) refuse(segment);
    return linearOf(address);
  }
  const last = offset + BigInt(length - 1);
  const limit = BigInt(state.limit);
  // Expand-down data segments (type 4 set in a data segment) allow what lies above the limit.
  const down = (state.type & 0xc) === 4;
  const top = state.db ? 0xffff_ffffn : 0xffffn;
  if (down ? offset <= limit || last > top : last > limit) refuse(segment);
  return linearOf((state.base + offset) & 0xffff_ffffn);
}
