/**
 * A KVM without hardware virtualisation carries SYSCALL out by half: RIP, RCX, R11 and flags change, CS, SS and the privilege level do not.
 * The fetch at LSTAR, a supervisor page, then faults as user code. Whoever stops the guest at the first instruction of its page-fault
 * handler can undo that half with what is here: the frame on the stack says whether the fault is such a SYSCALL.
 */
import type { CpuState } from '../cpu-state.ts';
import { linearOf } from '../linear.ts';
import { isLongMode } from '../mode.ts';
import { LOOK, translate } from '../paging.ts';
import { peek } from '../peek.ts';
import type { PhysicalMemory } from '../physical.ts';
import { FLAG } from '../system-registers.ts';

const PAGE_FAULT = 14;
const GATE = 16;
/** Error code, RIP, CS, RFLAGS, RSP, SS. */
const FRAME = 48;
const [RCX, RSP, R11] = [1, 4, 11] as const;
const SYSCALL = [0x0f, 0x05];
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
 * With the CPU at the first instruction of its page-fault handler: if the fault is a SYSCALL to `entry` (MSR LSTAR) done by half, puts the CPU
 * back in front of that SYSCALL, at user level, ready to execute it here, and returns true. Otherwise changes nothing.
 *
 * KVM has set RCX and R11 and masked the flags by then. User code that merely jumps to the entry has not masked its interrupt flag,
 * and no SYSCALL in front of what RCX names: that stays a fault.
 */
export function takeBackSyscall(cpu: CpuState, memory: PhysicalMemory, entry: bigint): boolean {
  if (cpu.system.cr2 !== entry) return false;
  const frame = new DataView(new ArrayBuffer(FRAME));
  if (!peek(cpu, memory, linearOf(cpu.register(RSP)), new Uint8Array(frame.buffer))) return false;
  if (frame.getBigUint64(8, true) !== entry) return false;
  const fromUser = (frame.getUint16(16, true) & USER) === USER;
  if (!fromUser || frame.getUint32(24, true) & FLAG.IF) return false;
  const start = BigInt.asUintN(64, cpu.register(RCX) - BigInt(SYSCALL.length));
  const code = new Uint8Array(SYSCALL.length);
  if (!peek(cpu, memory, linearOf(start), code) || SYSCALL.some((byte, i) => byte !== code[i])) return false;
  cpu.rip = start;
  cpu.rflags = cpu.register(R11);
  cpu.setRegister(RSP, frame.getBigUint64(32, true));
  cpu.segments.cs.dpl = cpu.segments.ss.dpl = USER;
  cpu.changed.registers = cpu.changed.system = true;
  return true;
}
