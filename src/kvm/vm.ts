/**
 * A virtual machine's ioctls. The object is only a descriptor number, so any thread may have its own: main creates, a vCPU
 * thread moves doorbells and interrupt routes when the guest moves BARs and MSI-X messages.
 */
import { closeFd } from '../host/eventfd.ts';
import { ioctl, ioctlStruct } from '../host/ioctl.ts';
import { createMemory, type HostMapping, mapShared } from '../host/mapping.ts';
import { CAP, VM } from './constants.ts';
import {
  enableCap,
  IOEVENTFD_DEASSIGN,
  IRQFD_DEASSIGN,
  ioEventFd,
  irqFd,
  irqLevel,
  MSR_EXIT_REASON_FILTER,
  MSR_FILTER_WRITE,
  memoryRegion,
  msrFilter,
  PIT_SPEAKER_DUMMY,
  picChip,
  pitConfig,
} from './structs.ts';

/** An address that, written with `length` bytes (0: any), rings `fd` instead of leaving the guest. */
export interface Doorbell {
  readonly address: number;
  readonly length: 0 | 1 | 2 | 4 | 8;
  readonly fd: number;
}

const irqLine = irqLevel.create();

const FILTER_BYTES = 4096;

export class Vm {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** In-kernel PIC, IOAPIC, local APICs and PIT. Must come before the first vCPU. `tss` and `identityMap` are GPAs of KVM's own pages. */
  createInterruptControllers(tss: number, identityMap: number): void {
    const identity = new Uint8Array(new BigUint64Array([BigInt(identityMap)]).buffer);
    ioctlStruct(this.fd, 'KVM_SET_IDENTITY_MAP_ADDR', VM.SET_IDENTITY_MAP_ADDR, identity);
    ioctl(this.fd, 'KVM_SET_TSS_ADDR', VM.SET_TSS_ADDR, tss);
    ioctl(this.fd, 'KVM_CREATE_IRQCHIP', VM.CREATE_IRQCHIP);
    const pit = pitConfig.create();
    pit.value.flags = PIT_SPEAKER_DUMMY;
    ioctlStruct(this.fd, 'KVM_CREATE_PIT2', VM.CREATE_PIT2, pit.bytes);
  }

  /** Makes the listed ISA interrupts level triggered in both PICs (edge/level control registers, ports 0x4d0 and 0x4d1). */
  setLevelTriggered(irqs: readonly number[]): void {
    for (const chip of [0, 1]) {
      const pic = picChip.create();
      pic.value.chipId = chip;
      ioctlStruct(this.fd, 'KVM_GET_IRQCHIP', VM.GET_IRQCHIP, pic.bytes);
      for (const irq of irqs) {
        if (irq >> 3 === chip) pic.value.elcr |= 1 << (irq & 7);
      }
      ioctlStruct(this.fd, 'KVM_SET_IRQCHIP', VM.SET_IRQCHIP, pic.bytes);
    }
  }

  /** KVM then hands over the bytes of an instruction it cannot emulate. */
  exitOnEmulationFailure(): void {
    const cap = enableCap.create();
    cap.value.cap = CAP.EXIT_ON_EMULATION_FAILURE;
    cap.value.arg0 = 1n;
    ioctlStruct(this.fd, 'KVM_ENABLE_CAP', VM.ENABLE_CAP, cap.bytes);
  }

  /** Writes to one MSR then leave the guest with KVM_EXIT_X86_WRMSR. */
  exitOnMsrWrite(index: number): void {
    const cap = enableCap.create();
    cap.value.cap = CAP.X86_USER_SPACE_MSR;
    cap.value.arg0 = BigInt(MSR_EXIT_REASON_FILTER);
    ioctlStruct(this.fd, 'KVM_ENABLE_CAP', VM.ENABLE_CAP, cap.bytes);
    // KVM wants the address of a bitmap, one bit an MSR, zero for those that it shall not write itself.
    const memory = createMemory('tslaunch-filter', FILTER_BYTES);
    const bitmap = mapShared(memory, FILTER_BYTES);
    const filter = msrFilter.create();
    Object.assign(filter.value, { rangeFlags: MSR_FILTER_WRITE, count: 1, base: index, bitmap: bitmap.address });
    ioctlStruct(this.fd, 'KVM_X86_SET_MSR_FILTER', VM.X86_SET_MSR_FILTER, filter.bytes);
    bitmap.unmap();
    closeFd(memory);
  }

  /** Gives the guest `length` bytes of host memory at `gpa`. */
  setMemory(slot: number, gpa: number, mapping: HostMapping, offset: number, length: number): void {
    const region = memoryRegion.create();
    region.value.slot = slot;
    region.value.guestPhysAddr = BigInt(gpa);
    region.value.memorySize = BigInt(length);
    region.value.userspaceAddr = mapping.address + BigInt(offset);
    ioctlStruct(this.fd, 'KVM_SET_USER_MEMORY_REGION', VM.SET_USER_MEMORY_REGION, region.bytes);
  }

  createVcpu(id: number): number {
    return ioctl(this.fd, 'KVM_CREATE_VCPU', VM.CREATE_VCPU, id);
  }

  /** Drives an interrupt line of the in-kernel controllers. */
  setIrq(gsi: number, level: boolean): void {
    irqLine.value.irq = gsi;
    irqLine.value.level = level ? 1 : 0;
    ioctlStruct(this.fd, 'KVM_IRQ_LINE', VM.IRQ_LINE, irqLine.bytes);
  }

  /** Writes to `fd` raise `gsi`. */
  assignIrqFd(fd: number, gsi: number): void {
    this.#irqFd(fd, gsi, 0);
  }

  releaseIrqFd(fd: number, gsi: number): void {
    this.#irqFd(fd, gsi, IRQFD_DEASSIGN);
  }

  #irqFd(fd: number, gsi: number, flags: number): void {
    const request = irqFd.create();
    Object.assign(request.value, { fd, gsi, flags });
    ioctlStruct(this.fd, 'KVM_IRQFD', VM.IRQFD, request.bytes);
  }

  assignDoorbell(doorbell: Doorbell): void {
    this.#doorbell(doorbell, 0);
  }

  releaseDoorbell(doorbell: Doorbell): void {
    this.#doorbell(doorbell, IOEVENTFD_DEASSIGN);
  }

  #doorbell({ address, length, fd }: Doorbell, flags: number): void {
    const request = ioEventFd.create();
    Object.assign(request.value, { addr: BigInt(address), len: length, fd, flags });
    ioctlStruct(this.fd, 'KVM_IOEVENTFD', VM.IOEVENTFD, request.bytes);
  }

  /** Replaces the table that says where each GSI goes (struct kvm_irq_routing). */
  setRouting(table: Uint8Array): void {
    ioctlStruct(this.fd, 'KVM_SET_GSI_ROUTING', VM.SET_GSI_ROUTING, table);
  }

  close(): void {
    closeFd(this.fd);
  }
}
