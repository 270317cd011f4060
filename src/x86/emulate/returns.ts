/** SYSCALL, SYSRET and IRET: changes of privilege level that KVM's emulator leaves out (Intel SDM volume 2; volume 3, 6.14). */
import type { CpuState } from '../cpu-state.ts';
import { isLongMode, isReal, isVirtual8086, privilegeLevel } from '../mode.ts';
import { EFER, FLAG } from '../system-registers.ts';
import {
  clearSegment,
  type Descriptor,
  descriptorOf,
  flatCode,
  flatStack,
  loadSegment,
  markAccessed,
  notPresent,
} from './descriptors.ts';
import type { Execution } from './execution.ts';
import { CpuFault, generalProtection, undefinedOpcode, VECTOR } from './fault.ts';
import { type Row, row } from './row.ts';
import { isCanonicalAddress } from './segmentation.ts';
import { pop } from './stack-access.ts';

const MSR_STAR = 0xc000_0081;
const MSR_LSTAR = 0xc000_0082;
const MSR_CSTAR = 0xc000_0083;
const MSR_FMASK = 0xc000_0084;
const [RCX, RSP, R11] = [1, 4, 11] as const;

function msr(x: Execution, index: number): bigint {
  return x.cpu.backing.readMsr(index) ?? 0n;
}

function checkSyscall(x: Execution): void {
  if (!(x.cpu.system.eferLow & EFER.SCE) || isReal(x.cpu)) undefinedOpcode();
}

const syscall = (x: Execution): void => {
  checkSyscall(x);
  const star = Number((msr(x, MSR_STAR) >> 32n) & 0xffffn);
  const target = isLongMode(x.cpu)
    ? msr(x, x.form.mode === 64 ? MSR_LSTAR : MSR_CSTAR)
    : msr(x, MSR_STAR) & 0xffff_ffffn;
  const { next, flags } = x;
  if (isLongMode(x.cpu)) {
    x.setGeneral(RCX, 8, next);
    x.setGeneral(R11, 8, BigInt((flags & ~FLAG.RF) >>> 0));
    x.flags = (flags & ~(Number(msr(x, MSR_FMASK) & 0xffff_ffffn) | FLAG.RF)) | 2;
  } else {
    x.setGeneral(RCX, 4, next);
    x.flags = flags & ~(FLAG.VM | FLAG.IF | FLAG.RF);
  }
  flatCode(x, star & 0xfffc, 0, isLongMode(x.cpu));
  flatStack(x, (star & 0xfffc) + 8, 0);
  x.target = target;
};

/** Flags that SYSRET takes from R11. */
const SYSRET_FLAGS = 0x3c_7fd7;

const sysret = (x: Execution): void => {
  checkSyscall(x);
  if (privilegeLevel(x.cpu) !== 0) generalProtection();
  const star = Number((msr(x, MSR_STAR) >> 48n) & 0xffffn);
  const long = x.form.mode === 64;
  const wide = long && x.form.w;
  const target = x.general(RCX, wide ? 8 : 4);
  if (wide && !isCanonicalAddress(x.cpu, target)) generalProtection();
  if (long) x.flags = (Number(x.general(R11, 4)) & SYSRET_FLAGS) | 2;
  else x.flags |= FLAG.IF;
  flatCode(x, ((star + (wide ? 16 : 0)) & 0xffff) | 3, 3, wide);
  flatStack(x, ((star + 8) & 0xffff) | 3, 3);
  x.target = target;
};

/** The code segment that IRET returns to. */
function returnCode(x: Execution, selector: number, level: number): Descriptor {
  if ((selector & 0xfffc) === 0) generalProtection();
  const code = descriptorOf(x, selector);
  const rpl = selector & 3;
  if (!code?.s || !(code.type & 8) || rpl < level) generalProtection(selector & 0xfffc);
  const conforming = (code.type & 4) !== 0;
  if (conforming ? code.dpl > rpl : code.dpl !== rpl) generalProtection(selector & 0xfffc);
  if (isLongMode(x.cpu) && code.l && code.db) generalProtection(selector & 0xfffc);
  if (!code.present) notPresent(selector);
  return code;
}

/** The stack segment, or undefined for a null selector, which 64-bit code below level 3 may have. */
function returnStack(x: Execution, selector: number, code: Descriptor, rpl: number): Descriptor | undefined {
  if ((selector & 0xfffc) === 0) {
    if (!isLongMode(x.cpu) || !code.l || rpl === 3) generalProtection();
    return undefined;
  }
  const stack = descriptorOf(x, selector);
  const writable = stack?.s === 1 && (stack.type & 0xa) === 2;
  if (!stack || !writable || (selector & 3) !== rpl || stack.dpl !== rpl) generalProtection(selector & 0xfffc);
  if (!stack.present) throw new CpuFault(VECTOR.SS, selector & 0xfffc);
  return stack;
}

/** Data segments that the outer level may not use are emptied. */
function dropInnerSegments(x: Execution, level: number): void {
  for (const name of ['ds', 'es', 'fs', 'gs'] as const) {
    const segment = x.cpu.segments[name];
    const conforming = segment.s && (segment.type & 0xc) === 0xc;
    if (!conforming && segment.dpl < level) clearSegment(x, segment, 0);
  }
}

function restoreFlags(x: Execution, image: number, level: number, size: number): void {
  let mask: number = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.TF | FLAG.DF | FLAG.OF | FLAG.NT;
  if (size > 2) mask |= FLAG.RF | FLAG.AC | 0x20_0000;
  if (level <= (x.flags & FLAG.IOPL) >> 12) mask |= FLAG.IF;
  if (level === 0) mask |= FLAG.IOPL | (size > 2 ? 0x18_0000 : 0);
  x.flags = (x.flags & ~mask) | (image & mask) | 2;
  x.keepResumeFlag = true;
}

function realIret(x: Execution, size: number): void {
  const ip = pop(x, size);
  const selector = Number(pop(x, size) & 0xffffn);
  restoreFlags(x, Number(pop(x, size) & 0xffff_ffffn), 0, size);
  Object.assign(x.cpu.segments.cs, { selector, base: BigInt(selector * 16) });
  x.cpu.changed.system = true;
  x.target = ip;
}

const iret = (x: Execution): void => {
  const size = x.form.operandSize;
  if (isReal(x.cpu)) {
    realIret(x, size);
    return;
  }
  const long = isLongMode(x.cpu);
  const level = privilegeLevel(x.cpu);
  if (isVirtual8086(x.cpu) || (x.flags & FLAG.NT) !== 0) generalProtection();
  const rip = pop(x, size);
  const selector = Number(pop(x, size) & 0xffffn);
  const image = Number(pop(x, size) & 0xffff_ffffn);
  // A return to virtual-8086 mode is left to KVM.
  if (!long && image & FLAG.VM && level === 0) x.refuse();
  const code = returnCode(x, selector, level);
  const rpl = selector & 3;
  const outer = rpl > level;
  let stack: Descriptor | undefined;
  let stackSelector = 0;
  let stackPointer = 0n;
  const popsStack = x.form.mode === 64 || outer;
  if (popsStack) {
    stackPointer = pop(x, size);
    stackSelector = Number(pop(x, size) & 0xffffn);
    stack = returnStack(x, stackSelector, code, rpl);
  }
  checkTarget(x.cpu, code, rip);
  markAccessed(x, code);
  if (stack) markAccessed(x, stack);
  restoreFlags(x, image, level, size);
  loadSegment(x, x.cpu.segments.cs, code, selector);
  if (popsStack) {
    if (stack) loadSegment(x, x.cpu.segments.ss, stack, stackSelector);
    else clearSegment(x, x.cpu.segments.ss, stackSelector, rpl);
    x.setGeneral(RSP, stack && !stack.db && !code.l ? 2 : size, stackPointer);
  }
  // KVM keeps the privilege level in SS.DPL.
  x.cpu.segments.ss.dpl = rpl;
  if (outer) dropInnerSegments(x, rpl);
  x.target = rip;
};

function checkTarget(cpu: CpuState, code: Descriptor, rip: bigint): void {
  const fits = isLongMode(cpu) && code.l ? isCanonicalAddress(cpu, rip) : rip <= BigInt(code.limit);
  if (!fits) generalProtection();
}

const SYSTEM = { system: true } as const;

export const rows: readonly Row[] = [
  row('0F 05', 'syscall', '', syscall, { ...SYSTEM, faults: 'UD' }),
  row('0F 07', 'sysret', '', sysret, { ...SYSTEM, faults: 'UD GP' }),
  row('CF', 'iret', '', iret, { ...SYSTEM, faults: 'GP NP SS PF', flags: 'OSZAPC', manual: 'IRET/IRETD/IRETQ' }),
];
