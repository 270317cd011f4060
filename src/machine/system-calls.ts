/**
 * A KVM without hardware runs user code on the bare processor and does SYSCALL only by half: the guest stands at its entry point
 * (MSR LSTAR) with RCX, R11 and flags as they should be, but still at privilege level 3, where it may not read the code. The page
 * fault that follows is taken as the sign: a breakpoint at the guest's page-fault handler tells the launcher of it, which goes back
 * to before the SYSCALL and executes that in its own emulator. See docs/instructions.md.
 */
import { hex } from '../base/bits.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { VcpuState } from '../kvm/vcpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { linearOf } from '../x86/linear.ts';
import { isLongMode } from '../x86/mode.ts';
import { PF } from '../x86/paging.ts';
import { peek } from '../x86/peek.ts';
import { PhysicalMemory } from '../x86/physical.ts';
import { FLAG } from '../x86/system-registers.ts';
import type { RefusedInstructions } from './refused.ts';

export const MSR_LSTAR = 0xc000_0082;
/** Size in bytes of an interrupt gate in long mode (SDM volume 3, 6.14.1). */
const GATE = 16;
const PAGE_FAULT = 14;
/** What a page fault in long mode pushes: error code, RIP, CS, RFLAGS, RSP, SS (SDM volume 3, 6.14.2). */
const FRAME_WORDS = 6;
const [RCX, RSP, R11] = [1, 4, 11] as const;
const SYSCALL = [0x0f, 0x05];

export class SystemCalls {
  /** System calls that were put right. */
  completed = 0;
  readonly #vcpu: Vcpu;
  readonly #state: VcpuState;
  readonly #memory: PhysicalMemory;
  readonly #refused: RefusedInstructions;
  readonly #gate = new Uint8Array(GATE);
  readonly #frame = new BigUint64Array(FRAME_WORDS);
  readonly #code = new Uint8Array(SYSCALL.length);
  /** Where system calls enter the guest; 0 until it says so. */
  #entry = 0n;
  /** Linear address of the guest's page-fault handler, which has the breakpoint; 0 for none. */
  #handler = 0n;

  constructor(vcpu: Vcpu, state: VcpuState, memory: GuestMemory, refused: RefusedInstructions) {
    this.#vcpu = vcpu;
    this.#state = state;
    this.#memory = new PhysicalMemory(memory.regions);
    this.#refused = refused;
  }

  /** The guest writes an MSR whose writes are ours to do. False if KVM refuses the value: then it is the guest's #GP. */
  writeMsr(index: number, value: bigint): boolean {
    if (!this.#state.writeMsr(index, value)) return false;
    if (index === MSR_LSTAR) this.#entry = value;
    this.follow();
    return true;
  }

  /** Looks where the guest's page-fault handler is by now. Cheap, for now and then: kernels change it while they start. */
  follow(): void {
    if (this.#entry === 0n) return;
    const { cpu } = this.#state;
    const gate = this.#gate;
    const at = cpu.system.idtBase + BigInt(PAGE_FAULT * GATE);
    if (!isLongMode(cpu) || !peek(cpu, this.#memory, linearOf(at), gate)) return;
    const view = new DataView(gate.buffer);
    const low = BigInt(view.getUint16(0, true) | (view.getUint16(6, true) << 16)) & 0xffff_ffffn;
    const handler = (BigInt(view.getUint32(8, true)) << 32n) | low;
    if (handler === this.#handler) return;
    this.#handler = handler;
    this.#vcpu.breakAt(handler);
  }

  /** At the breakpoint. Returns why the guest cannot go on, in one sentence, if so. */
  execute(): string | undefined {
    const { cpu } = this.#state;
    if (cpu.rip !== this.#handler) return `KVM stopped at a breakpoint that nobody has set, ${hex(cpu.rip)}.`;
    if (this.#isHalfMade()) this.#goBack();
    // KVM looks at the breakpoint again before it runs the instruction there, so that is ours to do in any case.
    return this.#refused.execute();
  }

  /** Whether the page fault is a SYSCALL that arrived without its privilege. User code that jumps there has not masked its flags. */
  #isHalfMade(): boolean {
    const { cpu } = this.#state;
    const frame = this.#frame;
    if (!peek(cpu, this.#memory, linearOf(cpu.register(RSP)), new Uint8Array(frame.buffer))) return false;
    const [error, rip, , flags] = frame as unknown as [bigint, bigint, bigint, bigint];
    // The bit for a fetch is only there with NX or SMEP on; a fault at the address of the instruction itself is one in any case.
    if (rip !== this.#entry || cpu.system.cr2 !== rip || !(error & BigInt(PF.USER)) || flags & BigInt(FLAG.IF))
      return false;
    const code = this.#code;
    return peek(cpu, this.#memory, linearOf(cpu.register(RCX) - 2n), code) && SYSCALL.every((b, i) => b === code[i]);
  }

  #goBack(): void {
    const { cpu } = this.#state;
    this.completed++;
    cpu.rip = cpu.register(RCX) - BigInt(SYSCALL.length);
    cpu.rflags = cpu.register(R11);
    cpu.setRegister(RSP, this.#frame[4]!);
    cpu.segments.cs.dpl = cpu.segments.ss.dpl = 3;
  }
}
