/**
 * A KVM without hardware virtualisation carries SYSCALL out by half: RIP, RCX and R11 change, CS, SS and the privilege level do not. The fetch
 * at LSTAR, a supervisor page, then faults as user code. Whoever stops the guest at the first instruction of its page-fault handler can
 * finish the job with what is here: the frame on the stack says whether the fault is such a SYSCALL.
 */
import type { CpuState } from '../cpu-state.ts';
import { linearOf } from '../linear.ts';
import { isLongMode } from '../mode.ts';
import { LOOK, translate } from '../paging.ts';
import type { PhysicalMemory } from '../physical.ts';
import { EFER, FLAG } from '../system-registers.ts';

const MSR_STAR = 0xc000_0081;
const MSR_LSTAR = 0xc000_0082;
const MSR_FMASK = 0xc000_0084;
const PAGE_FAULT = 14;
const GATE = 16;
/** Error code, RIP, CS, RFLAGS, RSP, SS. */
const FRAME = 48;
const [RSP, R11] = [4, 11] as const;
const USER = 3;

/** `length` bytes at a linear address that do not cross a page, or undefined. */
function look(cpu: CpuState, memory: PhysicalMemory, address: bigint, length: number): DataView | undefined {
  const gpa = translate(cpu, memory, linearOf(address), LOOK);
  if (gpa < 0 || (gpa & 0xfff) + length > 0x1000) return undefined;
  const bytes = memory.bytes(gpa, length);
  return bytes && new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** The address of a 64-bit guest's page-fault handler, or undefined while it has none. */
export function pageFaultHandler(cpu: CpuState, memory: PhysicalMemory): bigint | undefined {
  if (!isLongMode(cpu) || cpu.system.idtLimit < PAGE_FAULT * GATE + GATE - 1) return undefined;
  const gate = look(cpu, memory, cpu.system.idtBase + BigInt(PAGE_FAULT * GATE), GATE);
  const present = gate && (gate.getUint8(5) & 0x80) !== 0;
  if (!present) return undefined;
  const low = BigInt(gate.getUint16(0, true)) | (BigInt(gate.getUint16(6, true)) << 16n);
  return low | (BigInt(gate.getUint32(8, true)) << 32n);
}

/**
 * With the CPU at the first instruction of its page-fault handler: if the fault is a SYSCALL done by half, puts the CPU where SYSCALL should
 * have put it, at LSTAR and level 0 with the user's stack pointer, and returns true. Otherwise changes nothing.
 */
export function finishSyscall(cpu: CpuState, memory: PhysicalMemory): boolean {
  const { backing, segments, system } = cpu;
  if (!(system.eferLow & EFER.SCE)) return false;
  const frame = look(cpu, memory, cpu.register(RSP), FRAME);
  const target = backing.readMsr(MSR_LSTAR);
  if (!frame || !target || frame.getBigUint64(8, true) !== target || system.cr2 !== target) return false;
  if ((frame.getUint16(16, true) & USER) !== USER) return false;
  const star = Number(((backing.readMsr(MSR_STAR) ?? 0n) >> 32n) & 0xfffcn);
  const mask = (backing.readMsr(MSR_FMASK) ?? 0n) | BigInt(FLAG.RF);
  const flags = frame.getBigUint64(24, true) & ~BigInt(FLAG.RF);
  const flat = { base: 0n, limit: 0xffff_ffff, s: 1, present: 1, g: 1, avl: 0, unusable: 0, dpl: 0 };
  Object.assign(segments.cs, { ...flat, selector: star, type: 11, l: 1, db: 0 });
  Object.assign(segments.ss, { ...flat, selector: star + 8, type: 3, l: 0, db: 1 });
  cpu.rip = target;
  cpu.setRegister(RSP, frame.getBigUint64(32, true));
  cpu.setRegister(R11, flags);
  cpu.rflags = (flags & ~mask) | 2n;
  cpu.changed.registers = true;
  cpu.changed.system = true;
  return true;
}
