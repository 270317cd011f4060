/** A CPUID leaf as plain values, and its form in struct kvm_cpuid2. */
import { cpuidEntry } from './structs.ts';

export interface CpuidLeaf {
  function: number;
  index: number;
  /** KVM_CPUID_FLAG_*: bit 0 says that `index` matters. */
  flags: number;
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

const HEADER = 8;

/** Reads struct kvm_cpuid2: a count, padding, then the entries. */
export function decodeCpuid(buffer: Uint8Array): CpuidLeaf[] {
  const count = new DataView(buffer.buffer, buffer.byteOffset).getUint32(0, true);
  return Array.from({ length: count }, (_, i) => {
    const entry = cpuidEntry.over(buffer, HEADER + i * cpuidEntry.size);
    return { ...entry };
  });
}

/** Writes struct kvm_cpuid2. */
export function encodeCpuid(leaves: readonly CpuidLeaf[]): Uint8Array {
  const buffer = new Uint8Array(HEADER + leaves.length * cpuidEntry.size);
  new DataView(buffer.buffer).setUint32(0, leaves.length, true);
  leaves.forEach((leaf, i) => {
    Object.assign(cpuidEntry.over(buffer, HEADER + i * cpuidEntry.size), leaf);
  });
  return buffer;
}
