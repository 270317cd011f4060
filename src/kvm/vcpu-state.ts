/**
 * A vCPU's state as the instruction reader wants it: registers straight in the run page, where KVM puts them at every exit and
 * takes them from (KVM_CAP_SYNC_REGS), everything else by ioctl, only when asked for. System registers and pending events are a third of
 * what an exit costs beyond the bare one, so they come along only for those who look at every exit or run instructions.
 */
import { HostError } from '../base/errors.ts';
import { struct, u8, u16, u32, u64 } from '../base/struct.ts';
import { compareExchange16 } from '../host/exchange16.ts';
import { ioctlStruct } from '../host/ioctl.ts';
import { type CpuBacking, CpuState, XSAVE_SIZE } from '../x86/cpu-state.ts';
import { VCPU } from './constants.ts';
import type { CpuidLeaf } from './cpuid-leaf.ts';
import { msrEntry, SYNC_EVENTS, SYNC_REGS, SYNC_SREGS } from './structs.ts';
import type { Vcpu } from './vcpu.ts';

/** struct kvm_vcpu_events, as far as it is used. */
const events = struct(64, {
  exceptionInjected: u8(0),
  exceptionNumber: u8(1),
  exceptionHasErrorCode: u8(2),
  exceptionPending: u8(3),
  exceptionErrorCode: u32(4),
  interruptInjected: u8(8),
  interruptNumber: u8(9),
  interruptSoft: u8(10),
  interruptShadow: u8(11),
  flags: u32(20),
});

/** struct kvm_xcrs with one entry: count, flags, then the register's number and value. */
const xcrs = struct(392, { count: u32(0), flags: u32(4), number: u32(8), reserved: u16(12), value: u64(16) });

const EVERYTHING = SYNC_REGS | SYNC_SREGS | SYNC_EVENTS;
const MSRS_HEADER = 8;
/** CPUID leaf flag: the index counts. */
const SIGNIFICANT_INDEX = 1;

export class VcpuState implements CpuBacking {
  readonly registers: Uint8Array;
  readonly system: Uint8Array;
  readonly cpu: CpuState;
  readonly #vcpu: Vcpu;
  readonly #cpuid: readonly CpuidLeaf[];
  readonly #events;
  readonly #xsave = new Uint8Array(XSAVE_SIZE);

  /** From now on every exit of `vcpu` brings its general registers along. `cpuid` is what the guest was given. */
  constructor(vcpu: Vcpu, cpuid: readonly CpuidLeaf[]) {
    this.#vcpu = vcpu;
    this.#cpuid = cpuid;
    this.registers = vcpu.runPage.syncRegs;
    this.system = vcpu.runPage.syncSregs;
    this.#events = events.over(vcpu.runPage.syncEvents);
    vcpu.runPage.validRegs = SYNC_REGS;
    this.cpu = new CpuState(this);
  }

  /** System registers and events come along from now on, beginning with the last exit. Call before {@link commit} is ever. */
  bringEverything(): void {
    const { runPage } = this.#vcpu;
    if (runPage.validRegs === EVERYTHING) return;
    this.refreshSystem();
    ioctlStruct(this.#vcpu.fd, 'KVM_GET_VCPU_EVENTS', VCPU.GET_VCPU_EVENTS, runPage.syncEvents);
    runPage.validRegs = EVERYTHING;
  }

  refreshSystem(): void {
    if (this.#vcpu.runPage.validRegs === EVERYTHING) return;
    ioctlStruct(this.#vcpu.fd, 'KVM_GET_SREGS', VCPU.GET_SREGS, this.system);
  }

  /** Gives what an instruction changed back to KVM, at the next KVM_RUN. It has also ended an interrupt shadow (STI, MOV SS). */
  commit(): void {
    const { changed } = this.cpu;
    let dirty = SYNC_EVENTS;
    this.#events.interruptShadow = 0;
    this.#events.flags = EVENT_SHADOW;
    if (changed.registers) dirty |= SYNC_REGS;
    if (changed.system) dirty |= SYNC_SREGS;
    if (changed.xsave) ioctlStruct(this.#vcpu.fd, 'KVM_SET_XSAVE', VCPU.SET_XSAVE, this.#xsave);
    changed.registers = changed.system = changed.xsave = false;
    this.#vcpu.runPage.dirtyRegs = dirty;
  }

  /** An exception to deliver before the next instruction. Call before {@link commit}. */
  raise(vector: number, errorCode: number | undefined): void {
    Object.assign(this.#events, {
      exceptionInjected: 1,
      exceptionPending: 0,
      exceptionNumber: vector,
      exceptionHasErrorCode: errorCode === undefined ? 0 : 1,
      exceptionErrorCode: errorCode ?? 0,
    });
  }

  /** A software interrupt (INT n), RIP standing behind it. Call before {@link commit}. */
  interrupt(vector: number): void {
    Object.assign(this.#events, { interruptInjected: 1, interruptNumber: vector, interruptSoft: 1 });
  }

  xsave(): Uint8Array {
    ioctlStruct(this.#vcpu.fd, 'KVM_GET_XSAVE', VCPU.GET_XSAVE, this.#xsave);
    return this.#xsave;
  }

  xcr0(): bigint {
    const { value, bytes } = xcrs.create();
    ioctlStruct(this.#vcpu.fd, 'KVM_GET_XCRS', VCPU.GET_XCRS, bytes);
    return value.count > 0 ? value.value : 1n;
  }

  setXcr0(xcr0: bigint): void {
    const { value, bytes } = xcrs.create();
    Object.assign(value, { count: 1, value: xcr0 });
    ioctlStruct(this.#vcpu.fd, 'KVM_SET_XCRS', VCPU.SET_XCRS, bytes);
  }

  readMsr(index: number): bigint | undefined {
    const buffer = msrs(index, 0n);
    if (this.#msr('KVM_GET_MSRS', VCPU.GET_MSRS, buffer) !== 1) return undefined;
    return msrEntry.over(buffer, MSRS_HEADER).data;
  }

  writeMsr(index: number, value: bigint): boolean {
    return this.#msr('KVM_SET_MSRS', VCPU.SET_MSRS, msrs(index, value)) === 1;
  }

  /** How many registers KVM took: 0 where it knows no such register, which some kernels say with an error. */
  #msr(name: string, request: number, buffer: Uint8Array): number {
    try {
      return ioctlStruct(this.#vcpu.fd, name, request, buffer);
    } catch (error) {
      if (error instanceof HostError) return 0;
      throw error;
    }
  }

  exchange16(place: Uint8Array, values: BigUint64Array): void {
    compareExchange16(place, values);
  }

  cpuid(leaf: number, subleaf: number): readonly [number, number, number, number] {
    const found = this.#cpuid.find(
      each => each.function === leaf && (!(each.flags & SIGNIFICANT_INDEX) || each.index === subleaf),
    );
    return found ? [found.eax, found.ebx, found.ecx, found.edx] : [0, 0, 0, 0];
  }
}

/** KVM_VCPUEVENT_VALID_SHADOW. */
const EVENT_SHADOW = 4;

function msrs(index: number, data: bigint): Uint8Array {
  const buffer = new Uint8Array(MSRS_HEADER + msrEntry.size);
  new DataView(buffer.buffer).setUint32(0, 1, true);
  Object.assign(msrEntry.over(buffer, MSRS_HEADER), { index, data });
  return buffer;
}
