/**
 * Runs one instruction of the guest that KVM does not: fetch, decode by our own table, execute, and a plain result. Everything an
 * instruction changes is in the CpuState and in guest memory when `step` returns; after a fault nothing is changed but CR2.
 */
import type { RamRegion } from '../../memory/guest-memory.ts';
import { type CpuState, RIP } from '../cpu-state.ts';
import { DecodeCache } from '../decode-cache.ts';
import { CodeBytes } from '../fetch.ts';
import { bigOf } from '../linear.ts';
import { instructionPointer } from '../locate.ts';
import { type CodeSize, codeSize, privilegeLevel } from '../mode.ts';
import { PF, pageFaultCode } from '../paging.ts';
import { PhysicalMemory } from '../physical.ts';
import { FLAG } from '../system-registers.ts';
import { decodeForm } from './decode-form.ts';
import { Execution } from './execution.ts';
import { CpuFault, NotEmulated, VECTOR } from './fault.ts';
import type { Form } from './form.ts';
import { type DeviceSpace, LinearMemory } from './linear-memory.ts';
import type { Row } from './row.ts';
import { checkUnit } from './units.ts';

export type StepResult =
  /** RIP stands at the next instruction to run. */
  | { readonly kind: 'done'; readonly name: string }
  /** An exception for the guest: RIP stands at the instruction. `cr2` is set in the state as well. */
  | {
      readonly kind: 'fault';
      readonly name: string;
      readonly vector: number;
      readonly errorCode?: number;
      readonly cr2?: bigint;
    }
  /** INT3, INTO or INT n: RIP stands behind it; deliver `vector` as a software interrupt (INT3 and INTO as exceptions). */
  | { readonly kind: 'interrupt'; readonly name: string; readonly vector: number }
  /** Not in the table. `bytes` is what stands at RIP, as far as it can be read. */
  | { readonly kind: 'unknown'; readonly bytes: Uint8Array };

export class Emulator {
  /** How often each instruction was run, by mnemonic. */
  readonly counts = new Map<string, number>();
  readonly cache = new DecodeCache<Form<Row>>();
  readonly #execution: Execution;
  readonly #memory: PhysicalMemory;
  readonly #code = new CodeBytes();

  /** `memory` is the guest's RAM; `devices` gets every access to anything else. */
  constructor(cpu: CpuState, memory: { readonly regions: readonly RamRegion[] }, devices: DeviceSpace) {
    this.#memory = new PhysicalMemory(memory.regions);
    this.#execution = new Execution(cpu, new LinearMemory(cpu, this.#memory, devices));
  }

  /** Runs the instruction at CS:RIP. Throws only what `devices` throws. */
  step(): StepResult {
    const x = this.#execution;
    x.forgetFpu();
    const { cpu } = x;
    const mode = codeSize(cpu);
    const at = instructionPointer(cpu, mode);
    const access = PF.FETCH | (privilegeLevel(cpu) === 3 ? PF.USER : 0);
    const code = this.#code.fetch(cpu, this.#memory, at, 15, access);
    const form = this.#decode(code, mode);
    if (!form) {
      const { stop } = code;
      // The rest of the instruction is on a page that is not there: the guest's own page fault.
      if (stop && stop.result < 0) {
        cpu.system.cr2 = bigOf(stop.address);
        cpu.changed.system = true;
        const errorCode = pageFaultCode(stop.result);
        return { kind: 'fault', name: 'fetch', vector: VECTOR.PF, errorCode, cr2: bigOf(stop.address) };
      }
      return { kind: 'unknown', bytes: code.bytes.slice(0, code.length) };
    }
    return this.#run(form);
  }

  #decode(code: CodeBytes, mode: CodeSize): Form<Row> | undefined {
    const known = this.cache.find(code.bytes, 0, code.length, mode);
    if (known) return known;
    const form = decodeForm(code.bytes, 0, code.length, mode);
    if (form) this.cache.add(form, code.bytes, 0, code.length, mode);
    return form;
  }

  #run(form: Form<Row>): StepResult {
    const x = this.#execution;
    const { cpu } = x;
    const { name } = form.row;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    x.begin(form);
    try {
      checkUnit(cpu, form);
      form.row.run(x);
    } catch (error) {
      x.undo();
      if (error instanceof NotEmulated) return { kind: 'unknown', bytes: form.bytes };
      if (!(error instanceof CpuFault)) throw error;
      return this.#fault(name, error);
    }
    cpu.changed.registers = true;
    if (x.fpuChanged) cpu.changed.xsave = true;
    if (!x.again) {
      cpu.words[RIP] = x.target ?? x.next;
      if (!x.keepResumeFlag) x.setFlags(FLAG.RF, 0);
    }
    if (x.interrupt !== undefined) return { kind: 'interrupt', name, vector: x.interrupt };
    return { kind: 'done', name };
  }

  #fault(name: string, { vector, errorCode, cr2 }: CpuFault): StepResult {
    const { cpu } = this.#execution;
    cpu.changed.registers = true;
    // MXCSR keeps the flags of an exception that is delivered.
    if (this.#execution.fpuChanged) cpu.changed.xsave = true;
    if (cr2 !== undefined) {
      cpu.system.cr2 = cr2;
      cpu.changed.system = true;
    }
    return {
      kind: 'fault',
      name,
      vector,
      ...(errorCode === undefined ? {} : { errorCode }),
      ...(cr2 === undefined ? {} : { cr2 }),
    };
  }
}
