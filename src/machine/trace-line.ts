/** One exit as one line: for the eye, or as JSON for programs. Pure: an event in, text out. */
import { hex } from '../base/bits.ts';
import type { TraceClass } from './observation.ts';

/** A register access that an exit led to. */
export interface TracedAccess {
  readonly bus: string;
  readonly kind: 'read' | 'write';
  readonly address: number;
  /** In bytes. */
  readonly width: number;
  readonly value: number;
  /** Undefined where nobody answers. */
  readonly device: string | undefined;
  readonly register: string | undefined;
}

export interface TraceEvent {
  /** Microseconds since the machine started. */
  readonly time: number;
  readonly vcpu: number;
  readonly class: TraceClass;
  /** Linear address of the instruction. */
  readonly rip: bigint;
  readonly symbol: string | undefined;
  /** Undefined where the bytes are no instruction. */
  readonly instruction: string | undefined;
  readonly accesses: readonly TracedAccess[];
  /** What became of an instruction of ours: `done`, or the exception it caused. */
  readonly result: string | undefined;
  /** Set where the instruction and KVM disagree. */
  readonly mismatch: string | undefined;
}

/** Items that a string instruction may show on its line. */
const SHOWN = 4;
const COLOURS: Readonly<Record<TraceClass, number>> = { io: 36, mmio: 34, pci: 33, virtio: 32, emulate: 35 };
const FAINT = 2;
const RED = 31;

type Paint = (code: number, text: string) => string;
const painted: Paint = (code, text) => `\u001b[${code}m${text}\u001b[0m`;
const plain: Paint = (_code, text) => text;

function place({ bus, address, device, register }: TracedAccess): string {
  if (device === undefined) return `${bus} ${hex(address)} (nobody)`;
  return register === undefined ? `${device}+${hex(address)}` : `${device}.${register}`;
}

function accessText(access: TracedAccess): string {
  return `${place(access)} ${access.kind === 'read' ? '->' : '<-'} ${hex(access.value, access.width * 2)}`;
}

function accessesText(accesses: readonly TracedAccess[]): string {
  const shown = accesses.slice(0, SHOWN).map(accessText).join('; ');
  return accesses.length > SHOWN ? `${shown}; ${accesses.length - SHOWN} more` : shown;
}

/** Without a line end. */
export function traceText(event: TraceEvent, colour: boolean): string {
  const paint = colour ? painted : plain;
  const time = (event.time / 1e6).toFixed(6).padStart(11);
  const where = event.symbol ?? event.rip.toString(16).padStart(16, '0');
  const what = event.result === undefined ? '' : event.result === 'done' ? 'emulated' : `emulated: ${event.result}`;
  const parts = [
    paint(FAINT, `${time} ${event.vcpu}`),
    paint(COLOURS[event.class], event.class.padEnd(7)),
    paint(FAINT, where.padEnd(32)),
    (event.instruction ?? '(not an instruction)').padEnd(36),
    [accessesText(event.accesses), what].filter(Boolean).join('; '),
  ];
  if (event.mismatch) parts.push(paint(RED, `mismatch: ${event.mismatch}`));
  return parts.join(' ').trimEnd();
}

/** Addresses and values are hexadecimal strings: a register has more bits than a JSON number. */
export function traceJson(event: TraceEvent): string {
  const { time, vcpu, symbol, instruction, result, mismatch } = event;
  const accesses = event.accesses.map(a => ({ ...a, address: hex(a.address), value: hex(a.value, a.width * 2) }));
  const kind = event.class;
  return JSON.stringify({
    time: time / 1e6,
    vcpu,
    kind,
    rip: hex(event.rip),
    symbol,
    instruction,
    accesses,
    result,
    mismatch,
  });
}
