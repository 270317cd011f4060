/**
 * What a guest's CPUID says: all that KVM supports, with the topology filled in, and XSAVE hidden where its leaf does not add
 * up. Pure: leaves in, leaves out. Sources: Intel SDM volume 2 (CPUID), AMD APM volume 3 appendix E, KVM's api.rst 4.20.
 */
import type { CpuidLeaf } from './cpuid-leaf.ts';
import { hideXsave, xsaveAddsUp } from './xsave-leaf.ts';

export interface Topology {
  /** Number of vCPUs; each is a core of one package. */
  readonly cpus: number;
  /** This vCPU's number, which is its APIC id. */
  readonly apicId: number;
  /** KVM_CAP_TSC_DEADLINE_TIMER. */
  readonly tscDeadline: boolean;
}

const SIGNIFICANT_INDEX = 1;
const HYPERVISOR = 1 << 31;
const TSC_DEADLINE = 1 << 24;
const HTT = 1 << 28;
/** Topology leaves are built anew. */
const EXTENDED_TOPOLOGY = [0xb, 0x1f];

/** Bits needed to number `cpus` cores. */
function coreBits(cpus: number): number {
  return Math.ceil(Math.log2(cpus));
}

type Edit = (leaf: CpuidLeaf, topology: Topology) => void;

/** One row a leaf: what the launcher changes in it. */
const EDITS: ReadonlyMap<number, Edit> = new Map<number, Edit>([
  [
    // Basic features: APIC id, count of logical processors, and that there is a hypervisor.
    1,
    (leaf, t) => {
      leaf.ebx = ((leaf.ebx & 0xffff) | (t.cpus << 16) | (t.apicId << 24)) >>> 0;
      leaf.ecx = (leaf.ecx | HYPERVISOR | (t.tscDeadline ? TSC_DEADLINE : 0)) >>> 0;
      leaf.edx = (t.cpus > 1 ? leaf.edx | HTT : leaf.edx & ~HTT) >>> 0;
    },
  ],
  [4, intelCache],
  [
    // AMD: core count less one, and the width of the core part of an APIC id.
    0x8000_0008,
    (leaf, t) => {
      leaf.ecx = ((leaf.ecx & ~0xf0ff) | (t.cpus - 1) | (coreBits(t.cpus) << 12)) >>> 0;
    },
  ],
  [0x8000_001d, intelCache],
  [
    // AMD extended APIC id: one thread a core, one node.
    0x8000_001e,
    (leaf, t) => {
      leaf.eax = t.apicId;
      leaf.ebx = t.apicId & 0xff;
      leaf.ecx = 0;
    },
  ],
]);

/** Deterministic cache parameters: levels 1 and 2 belong to a core, level 3 to the package. */
function intelCache(leaf: CpuidLeaf, t: Topology): void {
  if ((leaf.eax & 0x1f) === 0) return;
  const level = (leaf.eax >> 5) & 7;
  const sharing = level >= 3 ? t.cpus - 1 : 0;
  const cores = leaf.function === 4 ? t.cpus - 1 : 0;
  leaf.eax = ((leaf.eax & 0x3fff) | (sharing << 14) | (cores << 26)) >>> 0;
}

function topologyLeaves(fn: number, t: Topology): CpuidLeaf[] {
  const level = (index: number, shift: number, count: number, type: number): CpuidLeaf => ({
    function: fn,
    index,
    flags: SIGNIFICANT_INDEX,
    eax: shift,
    ebx: count,
    ecx: (type << 8) | index,
    edx: t.apicId,
  });
  // Types: 1 thread, 2 core, 0 ends the list.
  return [level(0, 0, 1, 1), level(1, coreBits(t.cpus), t.cpus, 2), level(2, 0, 0, 0)];
}

/** The leaves of one vCPU. */
export function guestCpuid(supported: readonly CpuidLeaf[], topology: Topology): CpuidLeaf[] {
  const leaves = supported
    .filter(leaf => !EXTENDED_TOPOLOGY.includes(leaf.function))
    .map(leaf => {
      const copy = { ...leaf };
      EDITS.get(leaf.function)?.(copy, topology);
      return copy;
    });
  for (const fn of EXTENDED_TOPOLOGY) {
    if (supported.some(leaf => leaf.function === fn)) leaves.push(...topologyLeaves(fn, topology));
  }
  return xsaveAddsUp(leaves) ? leaves : hideXsave(leaves);
}
