/**
 * What runs instructions that KVM hands back, and the system calls that some KVMs leave half done. Its own module because it takes
 * longer to load than everything else that a vCPU's thread has, and a KVM with hardware behind it rarely asks: see exit-loop.ts.
 */
import type { Bus } from '../bus/bus.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { VcpuState } from '../kvm/vcpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { RefusedInstructions } from './refused.ts';
import { SystemCalls } from './system-calls.ts';

export interface Emulation {
  readonly refused: RefusedInstructions;
  /** Only on a KVM whose SYSCALL needs help. */
  readonly systemCalls: SystemCalls | undefined;
}

export interface EmulationParts {
  readonly vcpu: Vcpu;
  readonly state: VcpuState;
  readonly memory: GuestMemory;
  readonly mmio: Bus;
  readonly completesSystemCalls: boolean;
}

export function makeEmulation({ vcpu, state, memory, mmio, completesSystemCalls }: EmulationParts): Emulation {
  state.bringEverything();
  const refused = new RefusedInstructions(state, memory, mmio);
  return { refused, systemCalls: completesSystemCalls ? new SystemCalls(vcpu, state, memory, refused) : undefined };
}
