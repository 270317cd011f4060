/** What a vCPU's exits are handled with: the loop has it, and so have the handlers of the rarer exits. */
import type { Bus } from '../bus/bus.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { CpuState } from '../x86/cpu-state.ts';
import type { ExitReader } from '../x86/exit-reader.ts';
import type { MachineControl } from './control.ts';
import type { Emulation } from './emulation.ts';
import type { ExitObserver } from './exit-observer.ts';

export interface ExitParts {
  readonly vcpu: Vcpu;
  readonly cpu: CpuState;
  readonly ports: Bus;
  readonly memory: Bus;
  readonly control: MachineControl;
  /** Reads the instruction behind each exit; absent where that is switched off. */
  readonly reader: ExitReader | undefined;
  /** Runs what KVM refuses to. Absent until the first time. */
  emulation: Emulation | undefined;
  /** Only when somebody asked to see exits. */
  readonly observer: ExitObserver | undefined;
  /** Takes a pending kick away after an interrupted run. */
  readonly swallowKicks: () => void;
  /** The guest cannot go on; `what` is one sentence. */
  readonly crash: (what: string) => void;
}
