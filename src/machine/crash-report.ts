/**
 * What a crashed vCPU leaves behind: its registers as lines, and the bytes of the instruction at which it stopped. Taken on the
 * vCPU's thread; main disassembles and prints.
 */
import { hex } from '../base/bits.ts';
import { SREGS_SEGMENTS, segment } from '../kvm/structs.ts';
import type { Registers, SystemRegisters, Vcpu } from '../kvm/vcpu.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { CpuState } from '../x86/cpu-state.ts';
import { CodeBytes } from '../x86/fetch.ts';
import { linearOf } from '../x86/linear.ts';
import { type CodeSize, codeSize } from '../x86/mode.ts';
import { PhysicalMemory } from '../x86/physical.ts';

export interface CrashReport {
  /** Registers, a few a line. */
  readonly registers: readonly string[];
  /** Linear address of the instruction: CS base and RIP. */
  readonly address: bigint;
  /** Up to 15 bytes at that address; none where the guest has nothing mapped there. */
  readonly code: Uint8Array;
  readonly codeSize: CodeSize;
  /** KVM has reset the vCPU (AMD, after a shutdown): what it was doing is lost. */
  readonly lost: boolean;
}

const GENERAL: readonly (readonly (keyof Registers)[])[] = [
  ['rax', 'rbx', 'rcx', 'rdx'],
  ['rsi', 'rdi', 'rbp', 'rsp'],
  ['r8', 'r9', 'r10', 'r11'],
  ['r12', 'r13', 'r14', 'r15'],
];
const CONTROL: readonly (keyof SystemRegisters)[] = ['cr0', 'cr2', 'cr3', 'cr4', 'efer'];

/** Where a CPU starts after INIT. */
const RESET_RIP = 0xfff0n;
const RESET_CS = 0xf000;

function wide(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function describe(regs: Registers, system: { value: SystemRegisters; bytes: Uint8Array }): string[] {
  const at = (name: keyof typeof SREGS_SEGMENTS) => segment.over(system.bytes, SREGS_SEGMENTS[name]);
  const cs = at('cs');
  const { value } = system;
  return [
    `rip ${wide(regs.rip)}  rflags ${wide(regs.rflags)}  cs ${hex(cs.selector, 4)}:${hex(cs.base)}  cpl ${at('ss').dpl}`,
    ...GENERAL.map(row => row.map(name => `${name.padEnd(3)} ${wide(regs[name])}`).join('  ')),
    CONTROL.map(name => `${name} ${hex(value[name])}`).join('  '),
    `gdt ${hex(value.gdtBase)}+${hex(value.gdtLimit)}  idt ${hex(value.idtBase)}+${hex(value.idtLimit)}`,
  ];
}

export function crashReport(vcpu: Vcpu, memory: GuestMemory): CrashReport {
  const registers = vcpu.registers();
  const system = vcpu.systemRegisters();
  const cpu = new CpuState({
    registers: registers.bytes,
    system: system.bytes,
    // A look at code needs neither of these.
    xsave: () => new Uint8Array(4096),
    xcr0: () => 0n,
    setXcr0: () => {},
    readMsr: () => undefined,
    writeMsr: () => false,
    cpuid: () => [0, 0, 0, 0],
  });
  const cs = segment.over(system.bytes, SREGS_SEGMENTS.cs);
  const address = BigInt.asUintN(64, cs.base + registers.value.rip);
  const code = new CodeBytes().fetch(cpu, new PhysicalMemory(memory.regions), linearOf(address));
  return {
    registers: describe(registers.value, system),
    address,
    code: code.bytes.slice(0, code.length),
    codeSize: codeSize(cpu),
    lost: registers.value.rip === RESET_RIP && cs.selector === RESET_CS,
  };
}
