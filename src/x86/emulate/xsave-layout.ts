/** Where the state components beyond x87 and SSE lie in an XSAVE area, standard or compacted, as CPUID leaf 0DH tells. */
import type { CpuState } from '../cpu-state.ts';

export const XSAVE_HEADER = 64;
const EXTENDED = 576;
/** CPUID.0DH.n:ECX bit 1: in a compacted area the component starts at a multiple of 64. */
const ALIGNED = 2;

export interface Component {
  readonly number: number;
  /** Offset in the image, and in an area of standard format. */
  readonly at: number;
  readonly standard: number;
  readonly size: number;
}

/** The components 2 and up that are set in `mask`, in ascending order. */
export function components(cpu: CpuState, mask: bigint, compact: boolean): Component[] {
  const found: Component[] = [];
  let next = EXTENDED;
  for (let number = 2; number < 63; number++) {
    if (!((mask >> BigInt(number)) & 1n)) continue;
    const [size, standard, flags] = cpu.backing.cpuid(0xd, number);
    if (flags & ALIGNED) next = (next + 63) & ~63;
    found.push({ number, at: compact ? next : standard, standard, size });
    next += size;
  }
  return found;
}
