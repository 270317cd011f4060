/** What a crashed vCPU leaves behind: registers, control registers, and the instruction at which it stopped. */
import { hex } from '../base/bits.ts';
import { SREGS_SEGMENTS, segment } from '../kvm/structs.ts';
import type { Registers, SystemRegisters, Vcpu } from '../kvm/vcpu.ts';

const GENERAL: readonly (readonly (keyof Registers)[])[] = [
  ['rax', 'rbx', 'rcx', 'rdx'],
  ['rsi', 'rdi', 'rbp', 'rsp'],
  ['r8', 'r9', 'r10', 'r11'],
  ['r12', 'r13', 'r14', 'r15'],
];
const CONTROL: readonly (keyof SystemRegisters)[] = ['cr0', 'cr2', 'cr3', 'cr4', 'efer'];

/** Where a CPU starts after reset; KVM on AMD resets a vCPU that shuts down, which loses its registers. */
const RESET_RIP = 0xfff0n;
const RESET_CS = 0xf000;

function wide(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

/** Lines of registers, without a final line feed. */
export function formatRegisters(regs: Registers, sregs: { value: SystemRegisters; bytes: Uint8Array }): string[] {
  const seg = (name: keyof typeof SREGS_SEGMENTS) => segment.over(sregs.bytes, SREGS_SEGMENTS[name]);
  const cs = seg('cs');
  return [
    `rip ${wide(regs.rip)}  rflags ${wide(regs.rflags)}  cs ${hex(cs.selector, 4)} base ${hex(cs.base)} cpl ${seg('ss').dpl}`,
    ...GENERAL.map(row => row.map(name => `${name.padEnd(3)} ${wide(regs[name])}`).join('  ')),
    CONTROL.map(name => `${name} ${hex(sregs.value[name])}`).join('  '),
    `gdt ${hex(sregs.value.gdtBase)}+${hex(sregs.value.gdtLimit)}  idt ${hex(sregs.value.idtBase)}+${hex(sregs.value.idtLimit)}`,
  ];
}

/** True when the registers are those of a CPU fresh from reset: the state at the crash is not to be had. */
export function lookReset(regs: Registers, csSelector: number): boolean {
  return regs.rip === RESET_RIP && csSelector === RESET_CS;
}

export interface CrashSite {
  readonly registers: Registers;
  readonly system: { value: SystemRegisters; bytes: Uint8Array };
}

export function crashSite(vcpu: Vcpu): CrashSite {
  return { registers: vcpu.registers(), system: vcpu.systemRegisters() };
}
