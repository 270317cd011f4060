/** CPUs and guest memory for the tests: plain arrays, page tables written by hand, and a seeded random generator. */
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { type CpuBacking, CpuState, REGS_SIZE, SREGS_SIZE, XSAVE_SIZE } from '../../src/x86/cpu-state.ts';
import { PhysicalMemory } from '../../src/x86/physical.ts';
import type { SegmentName } from '../../src/x86/registers.ts';
import { CR0, CR4, EFER } from '../../src/x86/system-registers.ts';

export const MEMORY_SIZE = 8 << 20;

export function memory(size = MEMORY_SIZE): GuestMemory {
  return new GuestMemory([{ gpa: 0, bytes: new Uint8Array(size) }]);
}

export const physical = (guest: GuestMemory) => new PhysicalMemory(guest.regions);

export interface TestBacking extends CpuBacking {
  readonly msrs: Map<number, bigint>;
  readonly area: Uint8Array;
}

export function backing(): TestBacking {
  const msrs = new Map<number, bigint>();
  const area = new Uint8Array(XSAVE_SIZE);
  let xcr0 = 7n;
  return {
    registers: new Uint8Array(REGS_SIZE),
    system: new Uint8Array(SREGS_SIZE),
    msrs,
    area,
    xsave: () => area,
    xcr0: () => xcr0,
    setXcr0: value => {
      xcr0 = value;
    },
    readMsr: index => msrs.get(index),
    writeMsr: (index, value) => {
      if (!msrs.has(index)) return false;
      msrs.set(index, value);
      return true;
    },
    cpuid: (leaf, subleaf) => {
      if (leaf === 0xd && subleaf === 0) return [7, 832, 832, 0];
      if (leaf === 0xd && subleaf === 1) return [0xf, 832, 0, 0];
      if (leaf === 0xd && subleaf === 2) return [256, 576, 0, 0];
      return [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff];
    },
  };
}

export type CpuKind = 'real' | 'protected16' | 'protected32' | 'pae' | 'long' | 'long5';

/** A CPU at privilege level 0 in one of the modes, paging off unless the mode needs it (long modes: CR3 is 0x1000). */
export function cpu(kind: CpuKind, from = backing()): CpuState {
  const state = new CpuState(from);
  state.rflags = 2n;
  const long = kind === 'long' || kind === 'long5';
  for (const segment of Object.values(state.segments)) {
    Object.assign(segment, { limit: kind === 'real' ? 0xffff : 0xffff_ffff, present: 1, s: 1, type: 3, g: 1 });
    segment.db = kind === 'protected32' || kind === 'pae' || long ? 1 : 0;
  }
  Object.assign(state.segments.cs, { type: 11, selector: 0x10, l: long ? 1 : 0 });
  if (long) state.segments.cs.db = 0;
  state.segments.ss.selector = 0x18;
  state.system.cr0 = BigInt(kind === 'real' ? CR0.ET : CR0.ET | CR0.PE);
  if (long) {
    state.system.cr0 = BigInt(CR0.PG | CR0.PE | CR0.ET | CR0.WP);
    state.system.cr4 = BigInt(CR4.PAE | CR4.OSFXSR | CR4.OSXSAVE | CR4.OSXMMEXCPT | (kind === 'long5' ? CR4.LA57 : 0));
    state.system.efer = BigInt(EFER.LMA | EFER.LME | EFER.NXE | EFER.SCE);
    state.system.cr3 = 0x1000n;
  }
  return state;
}

export function setSegmentBase(state: CpuState, name: SegmentName, base: bigint): void {
  state.segments[name].base = base;
}

/** Identity-maps the first 1 GiB with 2 MiB pages (user, writable) for a `long` CPU: tables at 0x1000, 0x2000, 0x3000. */
export function identityMap(guest: GuestMemory, flags = 7n): void {
  guest.setU64(0x1000, 0x2000n | 7n);
  guest.setU64(0x2000, 0x3000n | 7n);
  for (let i = 0; i < 512; i++) guest.setU64(0x3000 + i * 8, (BigInt(i) << 21n) | 0x80n | flags);
}

/** Deterministic 32-bit random numbers (xorshift128). */
export function random(seed: number): () => number {
  let [a, b, c, d] = [seed | 1, 0x9e37_79b9, 0x243f_6a88, 0xb7e1_5162];
  return () => {
    const t = a ^ (a << 11);
    a = b;
    b = c;
    c = d;
    d = (d ^ (d >>> 19) ^ t ^ (t >>> 8)) | 0;
    return d >>> 0;
  };
}

/** Bytes from hexadecimal text. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.trim().split(/\s+/), byte => Number.parseInt(byte, 16));
}
