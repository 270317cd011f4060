/**
 * Segments, descriptor tables and control registers as tables over `struct kvm_sregs` (linux/kvm.h, x86). Limits are in bytes with the granularity applied; type, s, dpl and the other attributes are the descriptor's
 * fields (Intel SDM volume 3, 3.4.5).
 */
import { type StructOf, struct, u8, u16, u32, u64 } from '../base/struct.ts';
import type { SegmentName } from './registers.ts';

export const SREGS_SIZE = 312;
const SEGMENT_SIZE = 24;

/** `struct kvm_segment`. */
export const segmentStruct = struct(SEGMENT_SIZE, {
  base: u64(0),
  limit: u32(8),
  selector: u16(12),
  type: u8(14),
  present: u8(15),
  dpl: u8(16),
  db: u8(17),
  s: u8(18),
  l: u8(19),
  g: u8(20),
  avl: u8(21),
  unusable: u8(22),
});

/** Where each stands in `struct kvm_sregs`. */
export const SEGMENT_OFFSETS = { cs: 0, ds: 24, es: 48, fs: 72, gs: 96, ss: 120, tr: 144, ldt: 168 } as const;
export type SystemSegmentName = keyof typeof SEGMENT_OFFSETS;

export const systemRegisters = struct(SREGS_SIZE, {
  gdtBase: u64(192),
  gdtLimit: u16(200),
  idtBase: u64(208),
  idtLimit: u16(216),
  cr0: u64(224),
  cr2: u64(232),
  cr3: u64(240),
  cr4: u64(248),
  cr8: u64(256),
  efer: u64(264),
  apicBase: u64(272),
  // The same registers as halves, for the page walk.
  cr0Low: u32(224),
  cr3Low: u32(240),
  cr3High: u32(244),
  cr4Low: u32(248),
  eferLow: u32(264),
});
export type SystemRegisters = StructOf<typeof systemRegisters.fields>;

/** Where some of them stand, in 32-bit words. CS_ATTRIBUTES: dpl, db, s and l, a byte each. */
export const SYSTEM_WORD = { CS_BASE: 0, CS_ATTRIBUTES: 4, CR0: 56, CR3: 60, CR3_HIGH: 61, CR4: 62, EFER: 66 } as const;

/** A segment register; `baseLow` and `baseHigh` are the halves of `base`. */
export type SegmentState = StructOf<typeof segmentStruct.fields> & {
  readonly baseLow: number;
  readonly baseHigh: number;
};

/** The segment register `name` in the bytes of a `struct kvm_sregs`. */
export function segmentAt(system: Uint8Array, name: SegmentName | SystemSegmentName): SegmentState {
  const offset = SEGMENT_OFFSETS[name];
  const segment = segmentStruct.over(system, offset);
  const halves = new DataView(system.buffer, system.byteOffset + offset, 8);
  Object.defineProperties(segment, {
    baseLow: { get: () => halves.getUint32(0, true) },
    baseHigh: { get: () => halves.getUint32(4, true) },
  });
  return segment as SegmentState;
}

/** Control register and EFER bits that decide how instructions run. */
export const CR0 = { PE: 1, MP: 2, EM: 4, TS: 8, ET: 16, NE: 32, WP: 0x1_0000, AM: 0x4_0000, PG: 0x8000_0000 } as const;
export const CR4 = {
  PSE: 0x10,
  PAE: 0x20,
  OSFXSR: 0x200,
  OSXMMEXCPT: 0x400,
  UMIP: 0x800,
  LA57: 0x1000,
  FSGSBASE: 0x1_0000,
  PCIDE: 0x2_0000,
  OSXSAVE: 0x4_0000,
  SMEP: 0x10_0000,
  SMAP: 0x20_0000,
} as const;
export const EFER = { SCE: 1, LME: 0x100, LMA: 0x400, NXE: 0x800 } as const;
/** RFLAGS bits. */
export const FLAG = {
  CF: 1,
  PF: 4,
  AF: 0x10,
  ZF: 0x40,
  SF: 0x80,
  TF: 0x100,
  IF: 0x200,
  DF: 0x400,
  OF: 0x800,
  IOPL: 0x3000,
  NT: 0x4000,
  RF: 0x1_0000,
  VM: 0x2_0000,
  AC: 0x4_0000,
} as const;
