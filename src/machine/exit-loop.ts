/**
 * The life of a vCPU thread: run the guest, turn each exit into accesses on a bus, run again. Ports and memory
 * are here, the rarer exits in exit-handlers.ts.
 *
 * What only some guests need, the disassembler and the emulator, takes longer to load than a guest takes to say its first word. The
 * loop ends in front of an exit that needs one of them, and goes on with the same exit when it is there.
 */
import type { Width } from '../base/bits.ts';
import { log } from '../base/log.ts';
import { EXIT } from '../kvm/constants.ts';
import { DisassemblerNeeded } from '../x86/decoder.ts';
import { TrappedAccess } from '../x86/trapped.ts';
import { EmulationNeeded, handleOther } from './exit-handlers.ts';
import type { ExitParts } from './exit-parts.ts';
import { ExitView } from './exit-view.ts';

/** What the loop needs to go on. */
export type Wanted = 'disassembler' | 'emulation';

/** A guest that makes KVM and its instructions disagree on purpose must not fill the terminal. */
const TOLD_DISAGREEMENTS = 8;
/** Offsets in struct kvm_run. */
const IMMEDIATE_EXIT = 1;

export class ExitLoop {
  readonly #parts: ExitParts;
  readonly #view: ExitView;
  /** KVM's account of the exit. */
  readonly #kvm = new TrappedAccess();
  /** The last exit is still to be handled. */
  #pending = false;
  /** Disagreements between KVM and the instruction. */
  #told = 0;

  constructor(parts: ExitParts) {
    this.#parts = parts;
    this.#view = new ExitView(parts.vcpu.runBytes);
  }

  /** Runs until the machine ends, or until something is wanted: then call it again when it is there. */
  run(): Wanted | undefined {
    const { vcpu, control, observer, swallowKicks } = this.#parts;
    const { bytes } = this.#view;
    while (!control.stopping) {
      if (!this.#pending) {
        if (!vcpu.run()) {
          // Order matters: only after the kick is taken away may a new one set immediate_exit again.
          bytes[IMMEDIATE_EXIT] = 0;
          swallowKicks();
          continue;
        }
        observer?.begin(this.#view.reason);
      }
      const wanted = this.#handle();
      this.#pending = wanted !== undefined;
      if (wanted) return wanted;
      observer?.end();
    }
    return undefined;
  }

  #handle(): Wanted | undefined {
    const { reason } = this.#view;
    try {
      if (reason === EXIT.IO) this.#port();
      else if (reason === EXIT.MMIO) this.#memory();
      else handleOther(reason, this.#view, this.#parts);
    } catch (error) {
      if (error instanceof DisassemblerNeeded) return 'disassembler';
      if (error instanceof EmulationNeeded) return 'emulation';
      throw error;
    }
    return undefined;
  }

  /** What the guest does, by its instruction if exits are decoded. */
  #read(): TrappedAccess {
    const { reader, cpu, observer } = this.#parts;
    this.#view.read(this.#kvm);
    if (!reader) return this.#kvm;
    if (!reader.read(cpu, this.#kvm)) this.#disagreement(reader.mismatch);
    observer?.reads(reader);
    return reader.access;
  }

  #disagreement(reason = ''): void {
    if (this.#told++ < TOLD_DISAGREEMENTS) log.narrate('decode', reason);
  }

  #port(): void {
    const { ports } = this.#parts;
    const view = this.#view;
    const { address, width, count, write, value } = this.#read();
    if (count !== 1) this.#items(address, width, count, write);
    else if (write) ports.write(address, width as Width, value);
    else view.answer(view.portData, ports.read(address, width as Width), width);
  }

  /** A string instruction may bring several items at once, for the same port. */
  #items(port: number, width: number, count: number, write: boolean): void {
    const { ports } = this.#parts;
    const { bytes, portData } = this.#view;
    for (let i = 0; i < count; i++) {
      const data = bytes.subarray(portData + i * width, portData + (i + 1) * width);
      if (write) ports.writeBytes(port, data);
      else ports.readBytes(port, data);
    }
  }

  #memory(): void {
    const { memory } = this.#parts;
    const view = this.#view;
    const { address, width, write, value, valueHigh } = this.#read();
    if (width === 4 || width === 2 || width === 1) {
      if (write) memory.write(address, width, value);
      else view.answer(view.memoryData, memory.read(address, width), width);
    } else if (width === 8 && write) {
      memory.write(address, 4, value);
      memory.write(address + 4, 4, valueHigh);
    } else {
      const data = view.bytes.subarray(view.memoryData, view.memoryData + width);
      if (write) memory.writeBytes(address, data);
      else memory.readBytes(address, data);
    }
  }
}
