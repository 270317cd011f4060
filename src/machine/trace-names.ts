/** What became of an emulated instruction: exceptions have the names that the manuals give them (SDM volume 3, 6.3.1). */
import { hex } from '../base/bits.ts';
import type { StepResult } from '../x86/emulate/emulator.ts';
import { VECTOR } from '../x86/emulate/fault.ts';

const NAMES = new Map<number, string>(Object.entries(VECTOR).map(([name, vector]) => [vector, `#${name}`]));

/** `#PF(0x6)` with an error code, `#UD` without. */
function exceptionName(vector: number, errorCode?: number): string {
  const name = NAMES.get(vector) ?? `interrupt ${hex(vector)}`;
  return errorCode === undefined ? name : `${name}(${hex(errorCode)})`;
}

/** `done`, or what the guest gets. */
export function resultText(result: StepResult): string {
  if (result.kind === 'fault') return exceptionName(result.vector, result.errorCode);
  return result.kind === 'interrupt' ? exceptionName(result.vector) : result.kind;
}
