/**
 * The few words through which main and the vCPU threads steer each other. Main sets `stop`; whoever ends the machine first sets
 * `end`. A slice of the register file like any device's.
 */
import type { Bell } from '../base/bell.ts';
import type { PowerSwitch } from '../bus/triggers.ts';
import type { RegisterFile } from '../state/register-file.ts';

const STOP = 0;
const END = 1;
const CONTROL_BYTES = 64;

/** Why a power cycle ended. */
export const END_REASONS = ['running', 'power-off', 'reset', 'crash', 'stopped'] as const;
export type EndReason = (typeof END_REASONS)[number];

export class MachineControl implements PowerSwitch {
  readonly #words: Int32Array;
  readonly #bell: Bell;

  /** `bell` wakes main's lifecycle. */
  constructor(registers: RegisterFile, bell: Bell) {
    this.#words = registers.slice('machine', CONTROL_BYTES).words;
    this.#bell = bell;
  }

  /** Forgets the last power cycle. Once, on main, before the guest runs. */
  powerOn(): void {
    this.#words.fill(0);
  }

  /** vCPU threads leave their loop when this is set. */
  get stopping(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  get endReason(): EndReason {
    return END_REASONS[Atomics.load(this.#words, END)] ?? 'crash';
  }

  /** Ends the power cycle; the first reason counts. Safe from any thread. */
  end(reason: EndReason): void {
    Atomics.compareExchange(this.#words, END, 0, END_REASONS.indexOf(reason));
    Atomics.store(this.#words, STOP, 1);
    this.#bell.ring();
  }

  powerOff(): void {
    this.end('power-off');
  }

  reset(): void {
    this.end('reset');
  }
}
