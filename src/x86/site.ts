/**
 * An instruction at a known place that makes one plain access, ready to be read with the present registers: a port access makes no
 * objects and takes some hundred steps of the interpreter, because a guest may make a hundred thousand. String and stack instructions have no site; they
 * are looked at anew each time (locate.ts).
 */
import { touchAddress, valueHalves } from './access.ts';
import { type CpuState, KVM_ORDER } from './cpu-state.ts';
import { plus } from './linear.ts';
import type { Found } from './locate.ts';
import { Place } from './place.ts';
import type { Shape, Touch } from './shape.ts';
import { TrackedPage, type WalkRecorder } from './tracked-page.ts';
import type { TrappedAccess } from './trapped.ts';

const RAX = KVM_ORDER[0] * 2;
const RDX = KVM_ORDER[2] * 2;
/** By width in bytes: the bits of an access's low 32. */
const MASKS = [0, 0xff, 0xffff, 0, -1, 0, 0, 0, -1];

export interface Site {
  readonly place: Place;
  /**
   * True if the CPU stands at this place and the instruction there does what KVM says; then `reading` is what it does. `exact`: see Place.
   */
  explains(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess, exact: boolean): boolean;
}

/** A site for what was found, or undefined if it is not of the plain kind, or lies across pages. */
export function siteOf(cpu: CpuState, recorder: WalkRecorder, found: Found): Site | undefined {
  const { shape, prefixes } = found.instruction;
  const page = Place.page(cpu, recorder, found);
  if (!page) return undefined;
  const [touch, second] = shape.touches;
  if (shape.port !== undefined) return touch ? undefined : new PortSite(new Place(cpu, found, page), shape);
  if (!touch || second || touch.moves || prefixes.repeat || !MASKS[touch.width]) return undefined;
  return new MemorySite(new Place(cpu, found, page), touch, new TrackedPage(recorder));
}

class PortSite implements Site {
  readonly place: Place;
  /** -1 for DX. */
  readonly #port: number;
  readonly #width: number;
  readonly #mask: number;
  readonly #write: boolean;

  constructor(place: Place, { port, width, operation }: Shape) {
    this.place = place;
    this.#port = typeof port === 'number' ? port : -1;
    this.#width = width;
    this.#mask = MASKS[width]!;
    this.#write = operation === 'out';
  }

  explains(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess, exact: boolean): boolean {
    if (!kvm.port || kvm.count !== 1 || !this.place.holds(cpu, exact)) return false;
    const { halves } = cpu;
    const address = this.#port < 0 ? halves[RDX]! & 0xffff : this.#port;
    const write = this.#write;
    const value = write ? (halves[RAX]! & this.#mask) >>> 0 : 0;
    reading.port = true;
    reading.count = 1;
    reading.valueHigh = 0;
    reading.address = address;
    reading.write = write;
    reading.width = this.#width;
    reading.value = value;
    return address === kvm.address && value === kvm.value && write === kvm.write && this.#width === kvm.width;
  }
}

class MemorySite implements Site {
  readonly place: Place;
  readonly #touch: Touch;
  readonly #data: TrackedPage;

  constructor(place: Place, touch: Touch, data: TrackedPage) {
    this.place = place;
    this.#touch = touch;
    this.#data = data;
  }

  explains(cpu: CpuState, kvm: TrappedAccess, reading: TrappedAccess, exact: boolean): boolean {
    const touch = this.#touch;
    const { width, direction } = touch;
    if (kvm.port || width !== kvm.width || !this.place.holds(cpu, exact)) return false;
    if (direction !== 'read-modify-write' && (direction === 'write') !== kvm.write) return false;
    const { instruction, start, position } = this.place.found;
    const at = touchAddress(cpu, touch, plus(start, instruction.size), instruction.mode, position === 'past');
    if ((at.lo & 0xfff) + width > 0x1000) return false;
    const address = this.#data.translate(cpu, at, exact);
    reading.copyFrom(kvm);
    reading.address = address;
    // The value that was written is still in its register; that of a read-modify-write is known to KVM alone.
    return address === kvm.address && (direction !== 'write' || this.#valueAgrees(cpu, kvm, reading));
  }

  #valueAgrees(cpu: CpuState, { width, value: low, valueHigh: high }: TrappedAccess, reading: TrappedAccess): boolean {
    const operand = this.place.found.instruction.shape.value;
    if (!operand || (operand.kind === 'register' && operand.width !== width)) return true;
    const value = valueHalves(cpu, operand);
    if (!value) return true;
    reading.value = (value.lo & MASKS[width]!) >>> 0;
    reading.valueHigh = width === 8 ? value.hi : 0;
    return reading.value === low && reading.valueHigh === high;
  }
}
