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
import { pageFaultHandler, takeBackSyscall } from '../x86/emulate/half-syscall.ts';
import { PhysicalMemory } from '../x86/physical.ts';
import type { RefusedInstructions } from './refused.ts';

export const MSR_LSTAR = 0xc000_0082;

export class SystemCalls {
  /** System calls that were put right. */
  completed = 0;
  readonly #vcpu: Vcpu;
  readonly #state: VcpuState;
  readonly #memory: PhysicalMemory;
  readonly #refused: RefusedInstructions;
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
    const handler = pageFaultHandler(this.#state.cpu, this.#memory);
    if (handler === undefined || handler === this.#handler) return;
    this.#handler = handler;
    this.#vcpu.breakAt(handler);
  }

  /** At the breakpoint. Returns why the guest cannot go on, in one sentence, if so. */
  execute(): string | undefined {
    const { cpu } = this.#state;
    if (cpu.rip !== this.#handler) return `KVM stopped at a breakpoint that nobody has set, ${hex(cpu.rip)}.`;
    if (takeBackSyscall(cpu, this.#memory, this.#entry)) this.completed++;
    // KVM looks at the breakpoint again before it runs the instruction there, so that is ours to do in any case.
    return this.#refused.execute();
  }
}
