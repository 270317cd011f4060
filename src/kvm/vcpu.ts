/**
 * One vCPU's ioctls and its run page. Belongs to the thread that runs it, for life: KVM is slow to move a vCPU between threads.
 */

import { HostError } from '../base/errors.ts';
import type { StructOf } from '../base/struct.ts';
import { closeFd } from '../host/eventfd.ts';
import { ioctlStruct } from '../host/ioctl.ts';
import { errno, sys } from '../host/libc.ts';
import { type HostMapping, mapShared } from '../host/mapping.ts';
import type { CpuEntry, Segment } from '../x86/cpu-entry.ts';
import { VCPU } from './constants.ts';
import { type CpuidLeaf, encodeCpuid } from './cpuid-leaf.ts';
import * as layout from './structs.ts';

export type Registers = StructOf<typeof layout.regs.fields>;
export type SystemRegisters = StructOf<typeof layout.sregs.fields>;

/** struct kvm_msrs: a count and padding, then entries. */
const MSRS_HEADER = 8;

function writeSegment(target: Uint8Array, offset: number, value: Segment): void {
  Object.assign(layout.segment.over(target, offset), { ...value, base: BigInt(value.base), unusable: 0 });
}

export class Vcpu {
  readonly fd: number;
  readonly runPage: StructOf<typeof layout.run.fields>;
  /** The whole run page: port data lies in it, at `ioDataOffset`. */
  readonly runBytes: Uint8Array;
  readonly #mapping: HostMapping;

  constructor(fd: number, runPageSize: number) {
    this.fd = fd;
    this.#mapping = mapShared(fd, runPageSize);
    this.runBytes = this.#mapping.views[0]!;
    this.runPage = layout.run.over(this.runBytes);
  }

  /** Runs the guest until it exits: true for an exit to handle, false when interrupted by a kick. */
  run(): boolean {
    if (sys.ioctlValue(this.fd, VCPU.RUN, 0) >= 0) return true;
    const code = errno();
    if (code === 'EINTR' || code === 'EAGAIN') return false;
    throw new HostError(`KVM_RUN failed with ${code}.`, undefined, { syscall: 'KVM_RUN', errno: code });
  }

  /** Signals blocked while inside KVM_RUN: a kernel sigset of 8 bytes. */
  setSignalMask(mask: Uint8Array): void {
    const argument = new Uint8Array(12);
    new DataView(argument.buffer).setUint32(0, 8, true);
    argument.set(mask.subarray(0, 8), 4);
    ioctlStruct(this.fd, 'KVM_SET_SIGNAL_MASK', VCPU.SET_SIGNAL_MASK, argument);
  }

  setCpuid(leaves: readonly CpuidLeaf[]): void {
    ioctlStruct(this.fd, 'KVM_SET_CPUID2', VCPU.SET_CPUID2, encodeCpuid(leaves));
  }

  /** Sets model-specific registers; returns how many KVM accepted before the first it refused. */
  setMsrs(msrs: readonly { index: number; data: bigint }[]): number {
    const buffer = new Uint8Array(MSRS_HEADER + msrs.length * layout.msrEntry.size);
    new DataView(buffer.buffer).setUint32(0, msrs.length, true);
    msrs.forEach((msr, i) => {
      Object.assign(layout.msrEntry.over(buffer, MSRS_HEADER + i * layout.msrEntry.size), msr);
    });
    return ioctlStruct(this.fd, 'KVM_SET_MSRS', VCPU.SET_MSRS, buffer);
  }

  /** The general registers as KVM holds them now, and the raw structure. */
  registers(): { value: Registers; bytes: Uint8Array } {
    const regs = layout.regs.create();
    ioctlStruct(this.fd, 'KVM_GET_REGS', VCPU.GET_REGS, regs.bytes);
    return regs;
  }

  /** System registers, and the raw structure for its segments. */
  systemRegisters(): { value: SystemRegisters; bytes: Uint8Array } {
    const sregs = layout.sregs.create();
    ioctlStruct(this.fd, 'KVM_GET_SREGS', VCPU.GET_SREGS, sregs.bytes);
    return sregs;
  }

  /** Puts the CPU where a boot protocol wants it. */
  enter(entry: CpuEntry): void {
    const sregs = this.systemRegisters();
    writeSegment(sregs.bytes, layout.SREGS_SEGMENTS.cs, entry.cs);
    for (const name of ['ds', 'es', 'fs', 'gs', 'ss'] as const) {
      writeSegment(sregs.bytes, layout.SREGS_SEGMENTS[name], entry.data);
    }
    writeSegment(sregs.bytes, layout.SREGS_SEGMENTS.tr, entry.tr);
    Object.assign(sregs.value, {
      gdtBase: BigInt(entry.gdt.base),
      gdtLimit: entry.gdt.limit,
      idtBase: BigInt(entry.idt.base),
      idtLimit: entry.idt.limit,
      cr0: entry.cr0,
      cr3: entry.cr3,
      cr4: entry.cr4,
      efer: entry.efer,
    });
    ioctlStruct(this.fd, 'KVM_SET_SREGS', VCPU.SET_SREGS, sregs.bytes);
    const regs = layout.regs.create();
    Object.assign(regs.value, { rflags: 2n, ...entry.registers });
    ioctlStruct(this.fd, 'KVM_SET_REGS', VCPU.SET_REGS, regs.bytes);
  }

  /** Makes KVM leave with KVM_EXIT_DEBUG before the instruction at the linear address. The guest's own debug registers rest. */
  breakAt(address: bigint): void {
    const debug = layout.guestDebug.create();
    // DR7 with breakpoint 0 for execution (SDM volume 3, 17.2.4); bit 10 always reads as one.
    Object.assign(debug.value, {
      control: layout.GUESTDBG_ENABLE | layout.GUESTDBG_USE_HW_BP,
      address0: address,
      control7: 0x402n,
    });
    ioctlStruct(this.fd, 'KVM_SET_GUEST_DEBUG', VCPU.SET_GUEST_DEBUG, debug.bytes);
  }

  /** Wires the local interrupt pins as a BIOS does: LINT0 to the PIC (ExtINT), LINT1 to NMI (SDM volume 3, 10.5.1). */
  wireLocalInterrupts(): void {
    const LVT_LINT0 = 0x350;
    const LVT_LINT1 = 0x360;
    const EXT_INT = 0x700;
    const NMI = 0x400;
    const lapic = new Uint8Array(1024);
    ioctlStruct(this.fd, 'KVM_GET_LAPIC', VCPU.GET_LAPIC, lapic);
    const view = new DataView(lapic.buffer);
    view.setUint32(LVT_LINT0, EXT_INT, true);
    view.setUint32(LVT_LINT1, NMI, true);
    ioctlStruct(this.fd, 'KVM_SET_LAPIC', VCPU.SET_LAPIC, lapic);
  }

  close(): void {
    this.#mapping.unmap();
    closeFd(this.fd);
  }
}
