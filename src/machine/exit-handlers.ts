/**
 * Which of the rarer exits does what, as a table: everything but ports and memory. An exit nobody expects ends the guest with a report.
 */
import { EXIT, exitName } from '../kvm/constants.ts';
import type { Emulation } from './emulation.ts';
import type { ExitParts } from './exit-parts.ts';
import type { ExitView } from './exit-view.ts';

/** Where struct kvm_run has the particulars of an exit, in words. */
const DETAIL = 0x20 / 4;
/** KVM_INTERNAL_ERROR_EMULATION. */
const EMULATION_FAILURE = 1;
const SYSTEM_EVENTS = ['', 'shutdown', 'reset', 'crash'];

/** Thrown where the emulator has to run something and is not loaded. */
export class EmulationNeeded {}

function emulationOf({ emulation }: ExitParts): Emulation {
  if (!emulation) throw new EmulationNeeded();
  return emulation;
}

type Handler = (view: ExitView, parts: ExitParts) => void;

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  // Interrupted between two instructions; nothing to do but look at the control words.
  [EXIT.INTR, () => {}],
  [EXIT.IRQ_WINDOW_OPEN, () => {}],
  // A triple fault. On a PC it resets the machine; for the one who boots kernels it is a crash worth a report.
  [EXIT.SHUTDOWN, (_view, parts) => parts.crash('The guest ended in a triple fault.')],
  [
    EXIT.FAIL_ENTRY,
    ({ words }, parts) => {
      const reason = (BigInt(words[DETAIL + 1]!) << 32n) | BigInt(words[DETAIL]!);
      parts.crash(`The CPU refused to enter the guest (hardware reason 0x${reason.toString(16)}).`);
    },
  ],
  [
    EXIT.INTERNAL_ERROR,
    ({ words }, parts) => {
      const suberror = words[DETAIL]!;
      if (suberror !== EMULATION_FAILURE) parts.crash(`KVM gave up with an internal error, suberror ${suberror}.`);
      else {
        const { refused, systemCalls } = emulationOf(parts);
        const failure = refused.execute();
        if (failure !== undefined) parts.crash(failure);
        systemCalls?.follow();
      }
    },
  ],
  [
    EXIT.X86_WRMSR,
    (_view, parts) => {
      const { runPage } = parts.vcpu;
      runPage.msrError = emulationOf(parts).systemCalls?.writeMsr(runPage.msrIndex, runPage.msrData) ? 0 : 1;
    },
  ],
  [
    EXIT.DEBUG,
    (_view, parts) => {
      const failure = emulationOf(parts).systemCalls?.execute();
      if (failure !== undefined) parts.crash(failure);
    },
  ],
  [
    EXIT.SYSTEM_EVENT,
    ({ words }, parts) => {
      const event = SYSTEM_EVENTS[words[DETAIL]!];
      if (event === 'shutdown') parts.control.powerOff();
      else if (event === 'reset') parts.control.reset();
      else parts.crash('The guest reported a crash.');
    },
  ],
]);

/** Handles an exit that is no access. Throws {@link EmulationNeeded} before anything has changed. */
export function handleOther(reason: number, view: ExitView, parts: ExitParts): void {
  const handler = HANDLERS.get(reason);
  if (handler) handler(view, parts);
  else parts.crash(`KVM left the guest with ${exitName(reason)}, which the launcher does not know.`);
}
