/**
 * Memory as an emulated instruction sees it: linear addresses, translated with the right permissions, that end in RAM or in a device. An
 * access that crosses a page is translated whole before any byte moves, so a fault leaves no half-done write behind.
 */
import type { CpuState } from '../cpu-state.ts';
import { bigOf, type Linear, plus, roomInPage } from '../linear.ts';
import { privilegeLevel } from '../mode.ts';
import { MARK, PF, pageFaultCode, translate } from '../paging.ts';
import type { PhysicalMemory } from '../physical.ts';
import { CpuFault, VECTOR } from './fault.ts';

/** What is not RAM: a read fills all of `bytes`, 1 to 8 of them, at a guest-physical address; a write takes them. */
export interface DeviceSpace {
  read(gpa: number, bytes: Uint8Array): void;
  write(gpa: number, bytes: Uint8Array): void;
}

/** The widest access that a device gets at once, as with KVM. */
const DEVICE_WIDTH = 8;

export class LinearMemory {
  readonly physical: PhysicalMemory;
  readonly #cpu: CpuState;
  readonly #devices: DeviceSpace;
  readonly #gpas = [0, 0];

  constructor(cpu: CpuState, physical: PhysicalMemory, devices: DeviceSpace) {
    this.physical = physical;
    this.#cpu = cpu;
    this.#devices = devices;
  }

  /** Fills `into` with the bytes at `address`. Throws a CpuFault (#PF). */
  read(address: Linear, into: Uint8Array, system = false): void {
    const access = this.#access(0, system);
    this.#each(address, into, access, (gpa, part) => {
      const ram = this.physical.bytes(gpa, part.length);
      if (ram) part.set(ram);
      else this.#pieces(gpa, part, (at, piece) => this.#devices.read(at, piece));
    });
  }

  /** Stores `from` at `address`. Throws a CpuFault (#PF) before anything is written. */
  write(address: Linear, from: Uint8Array, system = false): void {
    const access = this.#access(PF.WRITE, system);
    this.#each(address, from, access, (gpa, part) => {
      const ram = this.physical.bytes(gpa, part.length);
      if (ram) ram.set(part);
      else this.#pieces(gpa, part, (at, piece) => this.#devices.write(at, piece));
    });
  }

  /** Checks that `length` bytes at `address` may be written, without writing: throws the #PF that the write would. */
  checkWrite(address: Linear, length: number): void {
    this.#translate(address, length, this.#access(PF.WRITE, false));
  }

  /** The GPA of `length` bytes that lie in one page, for a write; undefined if they cross into another. Throws like a write. */
  gpaForWrite(address: Linear, length: number): number | undefined {
    this.#translate(address, length, this.#access(PF.WRITE, false));
    return length <= roomInPage(address) ? this.#gpas[0] : undefined;
  }

  /** `system` accesses (descriptor tables, interrupt stacks) are the supervisor's even when user code runs. */
  #access(kind: number, system: boolean): number {
    return kind | MARK | (!system && privilegeLevel(this.#cpu) === 3 ? PF.USER : 0);
  }

  #translate(address: Linear, length: number, access: number): void {
    const room = roomInPage(address);
    this.#gpas[0] = this.#page(address, access);
    if (length > room) this.#gpas[1] = this.#page(plus(address, room), access);
  }

  #page(address: Linear, access: number): number {
    const result = translate(this.#cpu, this.physical, address, access);
    if (result < 0) throw new CpuFault(VECTOR.PF, pageFaultCode(result), bigOf(address));
    return result;
  }

  #each(address: Linear, bytes: Uint8Array, access: number, move: (gpa: number, part: Uint8Array) => void): void {
    this.#translate(address, bytes.length, access);
    const room = roomInPage(address);
    const [first, second] = [this.#gpas[0]!, this.#gpas[1]!];
    if (bytes.length <= room) {
      move(first, bytes);
      return;
    }
    // Only XSAVE areas reach a third page, and they are moved a component at a time.
    move(first, bytes.subarray(0, room));
    move(second, bytes.subarray(room));
  }

  #pieces(gpa: number, part: Uint8Array, move: (gpa: number, piece: Uint8Array) => void): void {
    for (let at = 0; at < part.length; ) {
      // Pieces are as large as their alignment allows.
      let size = DEVICE_WIDTH;
      while (size > part.length - at || (gpa + at) % size !== 0) size >>= 1;
      move(gpa + at, part.subarray(at, at + size));
      at += size;
    }
  }
}
