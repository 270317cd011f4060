/**
 * Which of the CPU's modes decides how bytes are read: operand and address size defaults, and whether segments other than FS and GS
 * have bases (Intel SDM volume 3, 2.2 and 3.2.4).
 */
import type { CpuState } from './cpu-state.ts';
import { CR0, EFER, FLAG } from './system-registers.ts';

/** Default operand and address size of the code segment, in bits. */
export type CodeSize = 16 | 32 | 64;

export function codeSize(cpu: CpuState): CodeSize {
  const cs = cpu.segments.cs;
  if (cs.l && cpu.system.eferLow & EFER.LMA) return 64;
  return cs.db ? 32 : 16;
}

/** Real-address mode: protection off. */
export function isReal(cpu: CpuState): boolean {
  return (cpu.system.cr0Low & CR0.PE) === 0;
}

/** Virtual-8086 mode: protected, with real-mode segments, at privilege level 3. */
export function isVirtual8086(cpu: CpuState): boolean {
  return !isReal(cpu) && (cpu.flags & FLAG.VM) !== 0;
}

export function isLongMode(cpu: CpuState): boolean {
  return (cpu.system.eferLow & EFER.LMA) !== 0;
}

/** The current privilege level: SS.DPL, as KVM and the hardware keep it; 0 in real mode. */
export function privilegeLevel(cpu: CpuState): number {
  if (isReal(cpu)) return 0;
  return isVirtual8086(cpu) ? 3 : cpu.segments.ss.dpl;
}
