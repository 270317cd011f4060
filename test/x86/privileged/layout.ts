/** Where everything is in the 2 MiB of both machines, and their descriptor tables. The same bytes for KVM and for our emulator. */
import { GuestMemory } from '../../../src/memory/guest-memory.ts';

export const SIZE = 2 << 20;
/** What a case may change: put back before each run, compared after it. */
export const WINDOW = { start: 0x10_0000, end: 0x18_0000 } as const;
/** In the middle of a page of HLT, so that wherever a branch lands the CPU stops. */
export const CODE = 0x10_0800;
/** Entry of vector n: 16 bytes of HLT. */
export const HANDLERS = 0x11_0000;
export const GDT = 0x12_0000;
export const IDT = 0x13_0000;
const TSS = 0x14_0000;
export const DATA = 0x15_0000;
export const STACK = 0x16_0000;
/** Where an exception of user code finds its stack. */
export const INNER_STACK = 0x17_0000;

export const HLT = 0xf4;

export const SELECTOR = {
  kernelCode: 0x08,
  kernelData: 0x10,
  userCode32: 0x1b,
  userData: 0x23,
  userCode: 0x2b,
} as const;
export const STAR = (0x18n << 48n) | (0x08n << 32n);

/** Descriptors from selector 0 up, accessed all of them: emulated processors do not always mark one that IRET loads. */
const DESCRIPTORS: readonly bigint[] = [
  0n,
  0x00af_9b00_0000_ffffn, // 08: 64-bit code
  0x00cf_9300_0000_ffffn, // 10: data
  0x00cf_fb00_0000_ffffn, // 18: 32-bit code of level 3
  0x00cf_f300_0000_ffffn, // 20: data of level 3
  0x00af_fb00_0000_ffffn, // 28: 64-bit code of level 3
  0x0000_8b14_0000_0067n, // 30: the task, and its upper half
  0n,
  0x00af_9f00_0000_ffffn, // 40: conforming code
  0x00cf_9100_0000_ffffn, // 48: data that may only be read
  0x00cf_1300_0000_ffffn, // 50: data that is not present
  0x0000_9312_3456_00ffn, // 58: a small segment
  0x00cf_9b00_0000_ffffn, // 60: 32-bit code
  0x00af_7b00_0000_ffffn, // 68: code of level 3 that is not present
  0x0000_8c00_0008_0000n, // 70: a call gate, and its upper half
  0n,
];
export const GDT_LIMIT = DESCRIPTORS.length * 8 - 1;

/** Gates of all vectors: 0x80 and 3 for everybody, 0x82 not present. */
function gate(vector: number): bigint {
  const entry = BigInt(HANDLERS + vector * 16);
  const type = vector === 0x80 || vector === 3 || vector === 4 ? 0xeen : vector === 0x82 ? 0x0en : 0x8en;
  return (entry & 0xffffn) | (0x08n << 16n) | (type << 40n) | ((entry >> 16n) << 48n);
}

/** Everything that does not depend on the case. */
export function template(): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const memory = new GuestMemory([{ gpa: 0, bytes }]);
  memory.setU64(0x1000, 0x2007n);
  memory.setU64(0x2000, 0x3007n);
  // The first 2 MiB in one page; accessed and dirty from the start.
  memory.setU64(0x3000, 0xe7n);
  bytes.fill(HLT, CODE & ~0xfff, (CODE & ~0xfff) + 0x1000);
  bytes.fill(HLT, HANDLERS, HANDLERS + 0x1000);
  for (const [i, value] of DESCRIPTORS.entries()) memory.setU64(GDT + i * 8, value);
  for (let vector = 0; vector < 256; vector++) memory.setU64(IDT + vector * 16, gate(vector));
  memory.setU64(TSS + 4, BigInt(INNER_STACK));
  return bytes;
}

/** A task register for the TSS above. */
export const TASK = {
  base: BigInt(TSS),
  limit: 0x67,
  selector: 0x30,
  type: 11,
  present: 1,
  s: 0,
  dpl: 0,
  db: 0,
  l: 0,
  g: 0,
};
