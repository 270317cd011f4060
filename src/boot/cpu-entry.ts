/**
 * The CPU state in which each boot protocol wants the kernel to start, and the descriptor table behind it. All segments are
 * flat; a kernel loads tables of its own within its first instructions.
 */

import type { GuestMemory } from '../memory/guest-memory.ts';
import { BOOT_GDT, BOOT_IDT, BOOT_PAGE_TABLES, BOOT_STACK } from '../memory/map.ts';
import type { CpuEntry, Segment } from '../x86/cpu-entry.ts';

/** __BOOT_CS and __BOOT_DS of the Linux boot protocol, and a task state segment behind them. */
const CODE = 0x10;
const DATA = 0x18;
const TASK = 0x20;
const GDT_ENTRIES = 5;

const flat = { base: 0, limit: 0xffff_ffff, s: 1, dpl: 0, present: 1, avl: 0, g: 1 } as const;
/** Type 11: code, readable, accessed. Type 3: data, writable, accessed (Intel SDM volume 3, 3.4.5.1). */
const code64: Segment = { ...flat, selector: CODE, type: 11, l: 1, db: 0 };
const code32: Segment = { ...flat, selector: CODE, type: 11, l: 0, db: 1 };
const data: Segment = { ...flat, selector: DATA, type: 3, l: 0, db: 1 };
/** Type 11: busy task state segment of 0x68 bytes; processors with VMX refuse to run without one. */
const task: Segment = {
  ...{ selector: TASK, base: 0, limit: 0x67, type: 11 },
  ...{ s: 0, dpl: 0, present: 1, avl: 0, l: 0, db: 0, g: 0 },
};

/** CR0: protected mode, extension type (always one), paging. CR4: physical address extension. EFER: long mode enabled, active. */
const CR0_PE = 0x1n;
const CR0_ET = 0x10n;
const CR0_PG = 0x8000_0000n;
const CR4_PAE = 0x20n;
const EFER_LME_LMA = 0x500n;

const tables = {
  gdt: { base: BOOT_GDT, limit: GDT_ENTRIES * 8 - 1 },
  idt: { base: BOOT_IDT, limit: 0 },
};

/** Long mode on the boot page tables, RSI at the zero page (Linux, Documentation/arch/x86/boot.rst, "64-bit boot protocol"). */
export function linux64Entry(rip: number, zeroPage: number): CpuEntry {
  return {
    registers: { rip: BigInt(rip), rsp: BigInt(BOOT_STACK), rsi: BigInt(zeroPage) },
    ...{ cs: code64, data, tr: task, ...tables },
    cr0: CR0_PE | CR0_ET | CR0_PG,
    cr3: BigInt(BOOT_PAGE_TABLES),
    cr4: CR4_PAE,
    efer: EFER_LME_LMA,
  };
}

/** Protected mode without paging, ESI at the zero page, EBP, EDI and EBX zero ("32-bit boot protocol"). */
export function linux32Entry(rip: number, zeroPage: number): CpuEntry {
  return {
    registers: { rip: BigInt(rip), rsp: BigInt(BOOT_STACK), rsi: BigInt(zeroPage) },
    ...protectedMode(),
  };
}

/** Protected mode without paging, EBX at hvm_start_info (Xen, docs/misc/pvh.pandoc). */
export function pvhEntry(rip: number, startInfo: number): CpuEntry {
  return {
    registers: { rip: BigInt(rip), rsp: BigInt(BOOT_STACK), rbx: BigInt(startInfo) },
    ...protectedMode(),
  };
}

function protectedMode(): Omit<CpuEntry, 'registers'> {
  return { cs: code32, data, tr: task, ...tables, cr0: CR0_PE | CR0_ET, cr3: 0n, cr4: 0n, efer: 0n };
}

/** Writes the descriptor table that an entry state refers to. */
export function writeGdt(memory: GuestMemory, entry: CpuEntry): void {
  memory.write(BOOT_GDT, new Uint8Array(GDT_ENTRIES * 8));
  for (const segment of [entry.cs, entry.data, entry.tr]) {
    memory.setU64(entry.gdt.base + segment.selector, descriptor(segment));
  }
}

/** A segment in the form in which it stands in a descriptor table (Intel SDM volume 3, figure 3-8). */
export function descriptor(segment: Segment): bigint {
  const limit = BigInt(segment.g ? segment.limit >>> 12 : segment.limit);
  const base = BigInt(segment.base);
  const access = segment.type | (segment.s << 4) | (segment.dpl << 5) | (segment.present << 7);
  const flags = segment.avl | (segment.l << 1) | (segment.db << 2) | (segment.g << 3);
  return (
    (limit & 0xffffn) |
    ((base & 0xff_ffffn) << 16n) |
    (BigInt(access) << 40n) |
    (((limit >> 16n) & 0xfn) << 48n) |
    (BigInt(flags) << 52n) |
    ((base >> 24n) << 56n)
  );
}
