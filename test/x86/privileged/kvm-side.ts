/** One instruction on a vCPU of the KVM here: the state goes in, HLT or an exception's handler stops it, the state comes out. */
import { closeFd } from '../../../src/host/eventfd.ts';
import { ioctlStruct } from '../../../src/host/ioctl.ts';
import { createMemory, type HostMapping, mapShared } from '../../../src/host/mapping.ts';
import { EXIT, VCPU } from '../../../src/kvm/constants.ts';
import type { CpuidLeaf } from '../../../src/kvm/cpuid-leaf.ts';
import { msrEntry } from '../../../src/kvm/structs.ts';
import { KvmSystem } from '../../../src/kvm/system.ts';
import { Vcpu } from '../../../src/kvm/vcpu.ts';
import { Vm } from '../../../src/kvm/vm.ts';
import type { CpuState } from '../../../src/x86/cpu-state.ts';
import { SIZE } from './layout.ts';

export class KvmSide {
  readonly cpuid: readonly CpuidLeaf[];
  readonly memory: Uint8Array;
  readonly #system: KvmSystem;
  readonly #vm: Vm;
  readonly #vcpu: Vcpu;
  readonly #mapping: HostMapping;
  readonly #fd: number;

  constructor() {
    this.#system = KvmSystem.open();
    this.cpuid = this.#system.supportedCpuid();
    this.#vm = new Vm(this.#system.createVm());
    this.#fd = createMemory('tslaunch-privileged', SIZE);
    this.#mapping = mapShared(this.#fd, SIZE);
    this.memory = this.#mapping.views[0]!;
    this.#vm.setMemory(0, 0, this.#mapping, 0, SIZE);
    this.#vcpu = new Vcpu(this.#vm.createVcpu(0), this.#system.runPageSize());
    this.#vcpu.setCpuid(this.cpuid);
  }

  has([leaf, register, bit]: readonly [number, number, number]): boolean {
    const found = this.cpuid.find(each => each.function === leaf && each.index === 0);
    return found !== undefined && (([found.eax, found.ebx, found.ecx, found.edx][register]! >>> bit) & 1) === 1;
  }

  /** Runs from `state`, which afterwards is what KVM has; false if KVM does not run the instruction. */
  run(state: CpuState, msrs: Map<number, bigint>): boolean {
    const { registers, system } = state.backing;
    const { bytes } = this.#vcpu.systemRegisters();
    // The APIC's base and pending interrupts stay KVM's.
    const apic = bytes.slice(272);
    bytes.set(system);
    bytes.set(apic, 272);
    ioctlStruct(this.#vcpu.fd, 'KVM_SET_SREGS', VCPU.SET_SREGS, bytes);
    ioctlStruct(this.#vcpu.fd, 'KVM_SET_REGS', VCPU.SET_REGS, registers);
    this.#vcpu.setMsrs([...msrs].map(([index, data]) => ({ index, data })));
    const ran = this.#vcpu.run();
    const { exitReason } = this.#vcpu.runPage;
    registers.set(this.#vcpu.registers().bytes);
    system.set(this.#vcpu.systemRegisters().bytes);
    for (const index of msrs.keys()) msrs.set(index, this.#msr(index));
    if (exitReason === EXIT.INTERNAL_ERROR) return false;
    if (!ran || exitReason !== EXIT.HLT)
      throw new Error(`KVM left with exit ${exitReason} at ${state.rip.toString(16)}`);
    return true;
  }

  close(): void {
    this.#vcpu.close();
    this.#vm.close();
    this.#mapping.unmap();
    closeFd(this.#fd);
    this.#system.close();
  }

  #msr(index: number): bigint {
    const buffer = new Uint8Array(8 + msrEntry.size);
    new DataView(buffer.buffer).setUint32(0, 1, true);
    msrEntry.over(buffer, 8).index = index;
    ioctlStruct(this.#vcpu.fd, 'KVM_GET_MSRS', VCPU.GET_MSRS, buffer);
    return msrEntry.over(buffer, 8).data;
  }
}
