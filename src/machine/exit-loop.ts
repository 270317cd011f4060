/**
 * The life of a vCPU thread: run the guest, turn each exit into accesses on a bus, run again. Which exit does what is a table;
 * an exit nobody expects ends the guest with a report.
 */
import type { Bus } from '../bus/bus.ts';
import { EXIT, exitName } from '../kvm/constants.ts';
import type { Vcpu } from '../kvm/vcpu.ts';
import type { MachineControl } from './control.ts';
import type { ExitObserver } from './exit-observer.ts';
import type { RefusedInstructions } from './refused.ts';
import type { SystemCalls } from './system-calls.ts';

export interface ExitLoopParts {
  readonly vcpu: Vcpu;
  readonly ports: Bus;
  readonly memory: Bus;
  readonly control: MachineControl;
  /** Runs what KVM refuses to. */
  readonly refused: RefusedInstructions;
  /** Only on a KVM whose SYSCALL needs help. */
  readonly systemCalls: SystemCalls | undefined;
  /** Only when somebody asked to see exits. */
  readonly observer: ExitObserver | undefined;
  /** Takes a pending kick away after an interrupted run. */
  readonly swallowKicks: () => void;
  /** The guest cannot go on; `what` is one sentence. */
  readonly crash: (what: string) => void;
}

/** Offsets in struct kvm_run; read directly here because this is the hottest path of the launcher. */
const IMMEDIATE_EXIT = 1;
const EXIT_REASON = 8;
const IO_DIRECTION = 0x20;
const IO_SIZE = 0x21;
const IO_PORT = 0x22;
const IO_COUNT = 0x24;
const IO_DATA_OFFSET = 0x28;
const MMIO_ADDRESS = 0x20;
const MMIO_DATA = 0x28;
const MMIO_LENGTH = 0x30;
const MMIO_IS_WRITE = 0x34;
const INTERNAL_SUBERROR = 0x20;
/** KVM_INTERNAL_ERROR_EMULATION. */
const EMULATION_FAILURE = 1;
const FOUR_GIB = 2 ** 32;

type Handler = (view: DataView, parts: ExitLoopParts) => void;

function handleIo(view: DataView, { vcpu, ports }: ExitLoopParts): void {
  const write = view.getUint8(IO_DIRECTION) === 1;
  const width = view.getUint8(IO_SIZE);
  const port = view.getUint16(IO_PORT, true);
  const count = view.getUint32(IO_COUNT, true);
  const start = view.getUint32(IO_DATA_OFFSET, true);
  // A string instruction may bring several items at once, for the same port.
  for (let i = 0; i < count; i++) {
    const data = vcpu.runBytes.subarray(start + i * width, start + (i + 1) * width);
    if (write) ports.writeBytes(port, data);
    else ports.readBytes(port, data);
  }
}

function handleMmio(view: DataView, { vcpu, memory }: ExitLoopParts): void {
  const address = view.getUint32(MMIO_ADDRESS + 4, true) * FOUR_GIB + view.getUint32(MMIO_ADDRESS, true);
  const data = vcpu.runBytes.subarray(MMIO_DATA, MMIO_DATA + view.getUint32(MMIO_LENGTH, true));
  if (view.getUint8(MMIO_IS_WRITE) !== 0) memory.writeBytes(address, data);
  else memory.readBytes(address, data);
}

const SYSTEM_EVENTS = ['', 'shutdown', 'reset', 'crash'];

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [EXIT.IO, handleIo],
  [EXIT.MMIO, handleMmio],
  // Interrupted between two instructions; nothing to do but look at the control words.
  [EXIT.INTR, () => {}],
  [EXIT.IRQ_WINDOW_OPEN, () => {}],
  // A triple fault. On a PC it resets the machine; for the one who boots kernels it is a crash worth a report.
  [EXIT.SHUTDOWN, (_view, parts) => parts.crash('The guest ended in a triple fault.')],
  [
    EXIT.FAIL_ENTRY,
    (view, parts) =>
      parts.crash(
        `The CPU refused to enter the guest (hardware reason 0x${view.getBigUint64(0x20, true).toString(16)}).`,
      ),
  ],
  [
    EXIT.INTERNAL_ERROR,
    (view, parts) => {
      const suberror = view.getUint32(INTERNAL_SUBERROR, true);
      if (suberror !== EMULATION_FAILURE) parts.crash(`KVM gave up with an internal error, suberror ${suberror}.`);
      else {
        const failure = parts.refused.execute();
        if (failure !== undefined) parts.crash(failure);
        parts.systemCalls?.follow();
      }
    },
  ],
  [
    EXIT.X86_WRMSR,
    (_view, parts) => {
      const { runPage } = parts.vcpu;
      runPage.msrError = parts.systemCalls?.writeMsr(runPage.msrIndex, runPage.msrData) ? 0 : 1;
    },
  ],
  [
    EXIT.DEBUG,
    (_view, parts) => {
      const failure = parts.systemCalls?.execute();
      if (failure !== undefined) parts.crash(failure);
    },
  ],
  [
    EXIT.SYSTEM_EVENT,
    (view, parts) => {
      const event = SYSTEM_EVENTS[view.getUint32(0x20, true)];
      if (event === 'shutdown') parts.control.powerOff();
      else if (event === 'reset') parts.control.reset();
      else parts.crash('The guest reported a crash.');
    },
  ],
]);

/** Runs until the machine ends. */
export function exitLoop(parts: ExitLoopParts): void {
  const { vcpu, control, observer } = parts;
  const { runBytes } = vcpu;
  const view = new DataView(runBytes.buffer, runBytes.byteOffset, runBytes.length);
  while (!control.stopping) {
    if (!vcpu.run()) {
      // Order matters: only after the kick is taken away may a new one set immediate_exit again.
      view.setUint8(IMMEDIATE_EXIT, 0);
      parts.swallowKicks();
      continue;
    }
    const reason = view.getUint32(EXIT_REASON, true);
    observer?.begin(reason, view);
    const handler = HANDLERS.get(reason);
    if (handler) handler(view, parts);
    else parts.crash(`KVM left the guest with ${exitName(reason)}, which the launcher does not know.`);
    observer?.end();
  }
}
