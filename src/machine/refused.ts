/**
 * Instructions that KVM gives back: it ends KVM_RUN with "internal error, suberror 1" when its own emulator lacks one. Other
 * launchers stop the guest there; here the instruction is executed, and the guest goes on.
 */
import { log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { VcpuState } from '../kvm/vcpu-state.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import { Emulator, type StepResult } from '../x86/emulate/emulator.ts';
import { VECTOR } from '../x86/emulate/fault.ts';
import { privilegeLevel } from '../x86/mode.ts';
import { formatBytes } from '../x86/reading.ts';

/** Somebody who wants to see each instruction that is run here. */
export interface Watcher {
  readonly before: () => void;
  readonly after: (result: StepResult) => void;
}

const USER = 3;
/** A guest must not fill the terminal. */
const TOLD = 4;

const cannotRun = (bytes: Uint8Array) => `Neither KVM nor tslaunch can run the instruction ${formatBytes(bytes)}.`;

export class RefusedInstructions {
  readonly emulator: Emulator;
  readonly #state: VcpuState;
  #watcher: Watcher | undefined;
  #told = 0;

  constructor(state: VcpuState, memory: GuestMemory, mmio: Bus) {
    this.#state = state;
    this.emulator = new Emulator(state.cpu, memory, {
      read: (gpa, bytes) => mmio.readBytes(gpa, bytes),
      write: (gpa, bytes) => mmio.writeBytes(gpa, bytes),
    });
  }

  /**
   * User code ran into what nobody here knows. To its kernel that is what it would be on a processor without this instruction: #UD, and
   * the end of one program. In kernel code it would be the end of the kernel without a word, so there the launcher reports it.
   */
  #undefined(bytes: Uint8Array): void {
    if (this.#told++ < TOLD) log.warn(`${cannotRun(bytes)} It is undefined (#UD) to the program that uses it.`);
    this.#state.raise(VECTOR.UD, undefined);
  }

  watch(watcher: Watcher): void {
    this.#watcher = watcher;
  }

  /** Executes the instruction at RIP, or delivers the exception it causes. Returns why it cannot, in one sentence, if so. */
  execute(): string | undefined {
    this.#watcher?.before();
    const result = this.emulator.step();
    this.#watcher?.after(result);
    switch (result.kind) {
      case 'fault':
        this.#state.raise(result.vector, result.errorCode);
        break;
      case 'interrupt':
        // INT3 and INTO are exceptions of their own (SDM volume 3, 6.4.2); INT n is a software interrupt.
        if (result.vector === 3 || result.vector === 4) this.#state.raise(result.vector, undefined);
        else this.#state.interrupt(result.vector);
        break;
      case 'unknown':
        if (privilegeLevel(this.#state.cpu) !== USER)
          return `${cannotRun(result.bytes)} Please report it with the lines below.`;
        this.#undefined(result.bytes);
        break;
      case 'done':
        break;
    }
    this.#state.commit();
    return undefined;
  }
}
