/**
 * CPUID leaf 0xD describes the XSAVE area. Under some emulators it contradicts itself; Linux then warns of an "XSAVE
 * consistency problem" and may hang. A leaf that does not add up is hidden together with every feature that needs it.
 */
import type { CpuidLeaf } from './cpuid-leaf.ts';

const XSAVE_LEAF = 0xd;
/** Legacy region and header (SDM volume 1, 13.4). */
const LEGACY_AND_HEADER = 576;
/** XCR0 bits 0 and 1, x87 and SSE, live in the legacy region. */
const FIRST_EXTENDED = 2;

/** Bytes of an XSAVE area in standard format with every feature; undefined where the leaf is absent or makes no sense. */
export function xsaveAreaSize(leaves: readonly CpuidLeaf[]): number | undefined {
  const main = leaves.find(leaf => leaf.function === XSAVE_LEAF && leaf.index === 0);
  if (!main || (main.eax & 3) !== 3) return undefined;
  let end = LEGACY_AND_HEADER;
  for (let bit = FIRST_EXTENDED; bit < 63; bit++) {
    const supported = bit < 32 ? (main.eax >>> bit) & 1 : (main.edx >>> (bit - 32)) & 1;
    if (!supported) continue;
    const area = leaves.find(leaf => leaf.function === XSAVE_LEAF && leaf.index === bit);
    if (!area || area.eax === 0 || area.ebx < LEGACY_AND_HEADER) return undefined;
    end = Math.max(end, area.ebx + area.eax);
  }
  return end;
}

/** True when the sizes in leaf 0xD agree with each other, or when there is no XSAVE at all. */
export function xsaveAddsUp(leaves: readonly CpuidLeaf[]): boolean {
  const features = leaves.find(leaf => leaf.function === 1);
  if (!features || (features.ecx & (1 << 26)) === 0) return true;
  const main = leaves.find(leaf => leaf.function === XSAVE_LEAF && leaf.index === 0);
  return main !== undefined && main.ecx === xsaveAreaSize(leaves);
}

/** Feature bits that mean nothing without XSAVE, a row a register. */
const NEEDS_XSAVE: readonly { fn: number; index: number; register: 'eax' | 'ebx' | 'ecx' | 'edx'; bits: number[] }[] = [
  // FMA, XSAVE, OSXSAVE, AVX, F16C
  { fn: 1, index: 0, register: 'ecx', bits: [12, 26, 27, 28, 29] },
  // AVX2, MPX, AVX-512 family
  { fn: 7, index: 0, register: 'ebx', bits: [5, 14, 16, 17, 21, 26, 27, 28, 30, 31] },
  // AVX512_VBMI, PKU, OSPKE, VBMI2, VAES, VPCLMULQDQ, VNNI, BITALG, VPOPCNTDQ
  { fn: 7, index: 0, register: 'ecx', bits: [1, 3, 4, 6, 9, 10, 11, 12, 14] },
  // AVX512_4VNNIW, 4FMAPS, VP2INTERSECT, AMX-BF16, AVX512-FP16, AMX-TILE, AMX-INT8
  { fn: 7, index: 0, register: 'edx', bits: [2, 3, 8, 22, 23, 24, 25] },
  // AVX-VNNI, AVX512_BF16, AMX-FP16, AVX-IFMA
  { fn: 7, index: 1, register: 'eax', bits: [4, 5, 21, 23] },
  // AMD: XOP, FMA4
  { fn: 0x8000_0001, index: 0, register: 'ecx', bits: [11, 16] },
];

export function hideXsave(leaves: readonly CpuidLeaf[]): CpuidLeaf[] {
  return leaves
    .filter(leaf => leaf.function !== XSAVE_LEAF)
    .map(leaf => {
      const copy = { ...leaf };
      for (const row of NEEDS_XSAVE) {
        if (row.fn !== leaf.function || row.index !== leaf.index) continue;
        for (const bit of row.bits) copy[row.register] = (copy[row.register] & ~(1 << bit)) >>> 0;
      }
      return copy;
    });
}
