/**
 * A trapped access as KVM reports it, in plain values, and whether an instruction's own reading agrees with it. A write wider than
 * 8 bytes, or one that crosses a page, reaches the launcher in pieces (Linux, Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO).
 */
import { portOf, touchAddress, valueHalves } from './access.ts';
import type { CpuState } from './cpu-state.ts';
import type { Instruction } from './decoder.ts';
import { type Linear, plus, roomInPage } from './linear.ts';
import { LOOK, translate } from './paging.ts';
import type { PhysicalMemory } from './physical.ts';
import type { Touch } from './shape.ts';

export interface PortExit {
  readonly kind: 'io';
  readonly direction: 'in' | 'out';
  readonly port: number;
  /** In bytes: 1, 2 or 4. */
  readonly width: number;
  /** Repetitions that KVM took at once. */
  readonly count: number;
  /** Low 32 bits of what an OUT writes, where known. */
  readonly value?: number;
}

export interface MmioExit {
  readonly kind: 'mmio';
  readonly direction: 'read' | 'write';
  readonly gpa: number;
  /** In bytes, 1 to 8. */
  readonly width: number;
  /** The low and high 32 bits of what is written, where known. */
  readonly value?: number;
  readonly valueHigh?: number;
}

export type Exit = PortExit | MmioExit;

/** True if `value` differs from the exit's in the bytes that the access has. */
function valueDiffers(value: Linear, width: number, low: number, high: number | undefined): boolean {
  if (width < 4) return ((value.lo ^ low) & (2 ** (width * 8) - 1)) !== 0;
  if ((value.lo ^ low) !== 0) return true;
  return width === 8 && high !== undefined && (value.hi ^ high) !== 0;
}

function portMatches(cpu: CpuState, instruction: Instruction, exit: PortExit): boolean {
  const { operation, width, value } = instruction.shape;
  if (operation !== exit.direction || width !== exit.width || portOf(cpu, instruction) !== exit.port) return false;
  if (exit.direction === 'in' || exit.value === undefined || !value) return true;
  const source = valueHalves(cpu, value);
  return !source || !valueDiffers(source, width, exit.value, undefined);
}

/** What a touch whose width the text does not name may reach: the legacy part of an XSAVE area and more. */
const UNKNOWN_WIDTH = 4096;

/** Whether the bytes of the exit are bytes of this touch: all of them, or a piece where KVM has to split the access. */
function coversExit(cpu: CpuState, memory: PhysicalMemory, touch: Touch, at: Linear, exit: MmioExit): boolean {
  const length = touch.width || UNKNOWN_WIDTH;
  const room = roomInPage(at);
  const start = translate(cpu, memory, at, LOOK);
  if (length <= 8 && length <= room) return start === exit.gpa && length === exit.width;
  const offset = exit.gpa - start;
  if (start >= 0 && offset >= 0 && offset + exit.width <= Math.min(room, length)) return true;
  if (room >= length) return false;
  const next = translate(cpu, memory, plus(at, room), LOOK);
  return next >= 0 && exit.gpa >= next && exit.gpa + exit.width <= next + length - room;
}

function touchMatches(
  cpu: CpuState,
  memory: PhysicalMemory,
  instruction: Instruction,
  touch: Touch,
  next: Linear,
  done: boolean,
  exit: MmioExit,
): boolean {
  if (touch.direction !== exit.direction && touch.direction !== 'read-modify-write') return false;
  const at = touchAddress(cpu, touch, next, instruction.mode, done);
  if (!coversExit(cpu, memory, touch, at, exit)) return false;
  // Only a plain store still has its value at hand: an exchange or an addition has changed it by now.
  const { value, touches } = instruction.shape;
  if (touch.direction !== 'write' || exit.value === undefined || !value || touches.length > 1) return true;
  if (touch.width !== exit.width || (value.kind === 'register' && value.width !== touch.width)) return true;
  const source = valueHalves(cpu, value);
  return !source || !valueDiffers(source, exit.width, exit.value, exit.valueHigh);
}

/** How an instruction explains an exit: with its registers as they stand, or with string registers that have moved on. */
export type Fit = 'as is' | 'moved on';

/** Whether and how `instruction`, which ends at the linear address `next`, makes the access that the exit reports. */
export function explains(
  cpu: CpuState,
  memory: PhysicalMemory,
  instruction: Instruction,
  next: Linear,
  done: boolean,
  exit: Exit,
): Fit | undefined {
  if (exit.kind === 'io') return portMatches(cpu, instruction, exit) ? 'as is' : undefined;
  const { touches } = instruction.shape;
  for (let i = 0; i < touches.length; i++) {
    const touch = touches[i]!;
    if (touchMatches(cpu, memory, instruction, touch, next, done, exit)) return done ? 'moved on' : 'as is';
    // A repeated string instruction stands at RIP with its registers moved on after a write.
    const again = touch.moves === 'string' && instruction.prefixes.repeat && !done;
    if (again && touchMatches(cpu, memory, instruction, touch, next, true, exit)) return 'moved on';
  }
  return undefined;
}
