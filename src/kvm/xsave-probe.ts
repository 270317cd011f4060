/**
 * Asks a CPU of this KVM what it really does with XSAVE. Some emulated hardware lets a guest write XCR0 behind KVM's back: KVM
 * then loads a stale value at the next entry, CPUID reports sizes for it, and Linux warns of an "XSAVE consistency problem" and
 * may hang. No table shows that; a throw-away vCPU that sets XCR0 and reads leaf 0xD does, in a few milliseconds.
 */
import { readFileSync } from 'node:fs';
import { closeFd } from '../host/eventfd.ts';
import { createMemory, mapShared } from '../host/mapping.ts';
import { EXIT } from './constants.ts';
import type { CpuidLeaf } from './cpuid-leaf.ts';
import type { KvmSystem } from './system.ts';
import { Vcpu } from './vcpu.ts';
import { Vm } from './vm.ts';
import { xsaveAreaSize } from './xsave-leaf.ts';

const CODE = 0x1000;
const MEMORY = 0x2000;
const CR4_OSXSAVE = 1n << 18n;
const REAL_MODE = { selector: 0, base: 0, limit: 0xffff, s: 1, dpl: 0, present: 1, avl: 0, l: 0, db: 0, g: 0 } as const;

/** Sets XCR0 to `mask`, reads CPUID leaf 0xD, leaves with a port write. 16-bit code. */
function program(mask: number): number[] {
  const imm32 = (value: number) => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
  return [
    ...[0x66, 0xb8, ...imm32(mask)], // mov eax, mask
    ...[0x66, 0x31, 0xd2], // xor edx, edx
    ...[0x66, 0x31, 0xc9], // xor ecx, ecx
    ...[0x0f, 0x01, 0xd1], // xsetbv
    ...[0x66, 0xb8, ...imm32(0xd)], // mov eax, 0xd
    ...[0x66, 0x31, 0xc9], // xor ecx, ecx
    ...[0x0f, 0xa2], // cpuid
    ...[0xe6, 0x80], // out 0x80, al
  ];
}

/** Real processors are trusted; what runs inside another machine is asked. */
export function runsInsideAMachine(cpuinfo = readFileSync('/proc/cpuinfo', 'latin1')): boolean {
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo);
}

/**
 * False when a guest that enables every XSAVE feature is then told a size that contradicts them. A vCPU that does not get that
 * far (KVM cannot run the instruction) says nothing against XSAVE: true.
 */
export function xsaveWorks(system: KvmSystem, leaves: readonly CpuidLeaf[]): boolean {
  const main = leaves.find(leaf => leaf.function === 0xd && leaf.index === 0);
  const expected = xsaveAreaSize(leaves);
  if (!main || expected === undefined) return true;
  const vm = new Vm(system.createVm());
  const memory = createMemory('tslaunch-probe', MEMORY);
  const mapping = mapShared(memory, MEMORY);
  mapping.views[0]!.set(program(main.eax), CODE);
  vm.setMemory(0, 0, mapping, 0, MEMORY);
  const vcpu = new Vcpu(vm.createVcpu(0), system.runPageSize());
  try {
    vcpu.setCpuid(leaves);
    vcpu.enter({
      registers: { rip: BigInt(CODE) },
      cs: { ...REAL_MODE, type: 11 },
      data: { ...REAL_MODE, type: 3 },
      tr: { ...REAL_MODE, s: 0, type: 11 },
      gdt: { base: 0, limit: 0 },
      idt: { base: 0, limit: 0xffff },
      cr0: 0x10n,
      cr3: 0n,
      cr4: CR4_OSXSAVE,
      efer: 0n,
    });
    const answered = vcpu.run() && vcpu.runPage.exitReason === EXIT.IO;
    return !answered || Number(vcpu.registers().value.rbx & 0xffff_ffffn) === expected;
  } finally {
    vcpu.close();
    vm.close();
    mapping.unmap();
    closeFd(memory);
  }
}
