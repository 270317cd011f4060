/**
 * The page walk of every paging mode (Intel SDM volume 3, 4.3 to 4.7): none, 32-bit with 4 MiB pages, PAE, 4-level, 5-level. It runs
 * at every exit, so it works on 32-bit halves and returns a number: the guest-physical address, or a negative page-fault code.
 */
import type { CpuState } from './cpu-state.ts';
import type { Linear } from './linear.ts';
import type { PhysicalMemory } from './physical.ts';
import { CR0, CR4, EFER, FLAG } from './system-registers.ts';

/** Page-fault error code bits (SDM volume 3, 4.7). WRITE, USER and FETCH also say what an access is. */
export const PF = { PRESENT: 1, WRITE: 2, USER: 4, RESERVED: 8, FETCH: 16 } as const;
/** Access flags beyond those: look only, no permission is checked; set accessed and dirty bits as the CPU does. */
export const LOOK = 0x100;
export const MARK = 0x200;

const PS = 0x80;
const ACCESSED = 0x20;
const DIRTY = 0x40;
const NX_HIGH = 0x8000_0000;
const TWO32 = 0x1_0000_0000;

export function isPageFault(result: number): boolean {
  return result < 0;
}

/** The #PF error code in a negative result of {@link translate}. */
export function pageFaultCode(result: number): number {
  return -result - 1;
}

/** A level of a walk with 64-bit entries. */
interface Level {
  /** The lowest address bit that it indexes. */
  readonly shift: number;
  /** Whether the walk ends here: always (the page table), by the PS bit, or never, and then PS is reserved. */
  readonly leaf: 'always' | 'by PS' | 'never';
  /** Offset bits of a page that ends here. */
  readonly offset: number;
  /** Low entry bits that must be clear in such a page: address bits below its size, above the PAT bit. */
  readonly reserved: number;
}
const PT: Level = { shift: 12, leaf: 'always', offset: 0xfff, reserved: 0 };
const PD: Level = { shift: 21, leaf: 'by PS', offset: 0x1f_ffff, reserved: 0x1f_e000 };
const PDPT: Level = { shift: 30, leaf: 'by PS', offset: 0x3fff_ffff, reserved: 0x3fff_e000 };
const PML4: Level = { shift: 39, leaf: 'never', offset: 0, reserved: 0 };
const PML5: Level = { shift: 48, leaf: 'never', offset: 0, reserved: 0 };
const FOUR: readonly Level[] = [PML4, PDPT, PD, PT];
const FIVE: readonly Level[] = [PML5, PML4, PDPT, PD, PT];
const PAE_LEVELS: readonly Level[] = [PD, PT];

/** The GPA that `address` maps to for an access described by PF bits (and LOOK, MARK), or `-1 - errorCode`. Never throws. */
export function translate(cpu: CpuState, memory: PhysicalMemory, address: Linear, access: number): number {
  const { cr0Low, cr4Low } = cpu.system;
  if ((cr0Low & CR0.PG) === 0) return address.lo;
  const cr3 = cpu.system.cr3Low;
  if ((cr4Low & CR4.PAE) === 0) return walk32(cpu, memory, address.lo, access, (cr3 & 0xffff_f000) >>> 0);
  if (cpu.system.eferLow & EFER.LMA) {
    const root = (cpu.system.cr3High & 0xf_ffff) * TWO32 + ((cr3 & 0xffff_f000) >>> 0);
    return walk64(cpu, memory, address, access, cr4Low & CR4.LA57 ? FIVE : FOUR, root);
  }
  // PAE: four page-directory pointers, 32-byte aligned. They carry no permissions; bits 1, 2 and 5 to 8 are reserved.
  const pointer = ((cr3 & 0xffff_ffe0) >>> 0) + (address.lo >>> 30) * 8;
  const low = memory.word(pointer);
  const high = memory.word(pointer + 4);
  if (low < 0 || high < 0) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
  if ((low & 1) === 0) return fault(cpu, access, 0);
  if (low & 0x1e6 || high & 0xfff0_0000) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
  return walk64(cpu, memory, address, access, PAE_LEVELS, high * TWO32 + ((low & 0xffff_f000) >>> 0));
}

/** Walks tables of 512 8-byte entries from `table` down. */
function walk64(
  cpu: CpuState,
  memory: PhysicalMemory,
  address: Linear,
  access: number,
  levels: readonly Level[],
  table: number,
): number {
  const noExecute = (cpu.system.eferLow & EFER.NXE) !== 0;
  let at = table;
  let rights = RIGHTS_ALL;
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    const entry = at + indexAt(address, level.shift) * 8;
    const piece = memory.find(entry, 8);
    if (!piece) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
    const low = piece.view.getUint32(entry - piece.start, true);
    const high = piece.view.getUint32(entry - piece.start + 4, true);
    if ((low & 1) === 0) return fault(cpu, access, 0);
    if (high & NX_HIGH) {
      if (!noExecute) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
      rights &= ~RIGHT_EXECUTE;
    }
    rights &= low | RIGHT_EXECUTE;
    if (level.leaf === 'always' || low & PS) {
      if (level.leaf === 'never' || low & level.reserved) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
      const refused = access & LOOK ? 0 : check(cpu, access, rights);
      if (refused < 0) return refused;
      if (access & MARK) setBits(memory, entry, low, access & PF.WRITE ? ACCESSED | DIRTY : ACCESSED);
      const frame = (low & 0xffff_f000 & ~level.offset) | (address.lo & level.offset);
      return (high & 0xf_ffff) * TWO32 + (frame >>> 0);
    }
    if (access & MARK) setBits(memory, entry, low, ACCESSED);
    at = (high & 0xf_ffff) * TWO32 + ((low & 0xffff_f000) >>> 0);
  }
  return fault(cpu, access, 0);
}

/** 32-bit paging: two levels of 1024 4-byte entries; with CR4.PSE a directory entry may map 4 MiB (and PSE-36 address bits). */
function walk32(cpu: CpuState, memory: PhysicalMemory, address: number, access: number, directory: number): number {
  const pdeAt = directory + (address >>> 22) * 4;
  const pde = memory.word(pdeAt);
  if (pde < 0) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
  if ((pde & 1) === 0) return fault(cpu, access, 0);
  const dirty = access & PF.WRITE ? ACCESSED | DIRTY : ACCESSED;
  if (pde & PS && cpu.system.cr4Low & CR4.PSE) {
    if (pde & 0x20_0000) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
    const refused = check(cpu, access, pde | RIGHT_EXECUTE);
    if (refused < 0) return refused;
    if (access & MARK) setBits(memory, pdeAt, pde, dirty);
    return ((pde >>> 13) & 0xff) * TWO32 + ((pde & 0xffc0_0000) >>> 0) + (address & 0x3f_ffff);
  }
  const pteAt = ((pde & 0xffff_f000) >>> 0) + ((address >>> 12) & 0x3ff) * 4;
  const pte = memory.word(pteAt);
  if (pte < 0) return fault(cpu, access, PF.PRESENT | PF.RESERVED);
  if ((pte & 1) === 0) return fault(cpu, access, 0);
  const refused = check(cpu, access, (pde & pte) | RIGHT_EXECUTE);
  if (refused < 0) return refused;
  if (access & MARK) {
    setBits(memory, pdeAt, pde, ACCESSED);
    setBits(memory, pteAt, pte, dirty);
  }
  return ((pte & 0xffff_f000) >>> 0) + (address & 0xfff);
}

/** Rights are the entry's own bits (2 write, 4 user), combined over all levels, and one for execution. */
const RIGHT_WRITE = 2;
const RIGHT_USER = 4;
const RIGHT_EXECUTE = 0x1000;
const RIGHTS_ALL = RIGHT_WRITE | RIGHT_USER | RIGHT_EXECUTE;

/** 0 if the access is allowed (SDM volume 3, 4.6.1), else a negative result. */
function check(cpu: CpuState, access: number, rights: number): number {
  if (access & LOOK) return 0;
  const userPage = (rights & RIGHT_USER) !== 0;
  let allowed: boolean;
  if (access & PF.USER) {
    allowed = userPage && (!(access & PF.WRITE) || (rights & RIGHT_WRITE) !== 0);
  } else {
    const { cr0Low, cr4Low } = cpu.system;
    const guarded = access & PF.FETCH ? cr4Low & CR4.SMEP : cr4Low & CR4.SMAP && !(cpu.flags & FLAG.AC);
    allowed = !(userPage && guarded);
    if (access & PF.WRITE && cr0Low & CR0.WP && !(rights & RIGHT_WRITE)) allowed = false;
  }
  if (access & PF.FETCH && !(rights & RIGHT_EXECUTE)) allowed = false;
  return allowed ? 0 : fault(cpu, access, PF.PRESENT);
}

/** The negative result for a fault: the cause, whether it was a write or by user code, and FETCH where the CPU reports that. */
function fault(cpu: CpuState, access: number, cause: number): number {
  const { cr4Low, eferLow } = cpu.system;
  const tellsFetch = cr4Low & CR4.SMEP || (cr4Low & CR4.PAE && eferLow & EFER.NXE);
  const code = cause | (access & (PF.WRITE | PF.USER)) | (tellsFetch ? access & PF.FETCH : 0);
  return -1 - code;
}

/** The nine bits of `address` from bit `shift` up. */
function indexAt(address: Linear, shift: number): number {
  if (shift >= 32) return (address.hi >>> (shift - 32)) & 0x1ff;
  return ((address.lo >>> shift) | (shift > 23 ? address.hi << (32 - shift) : 0)) & 0x1ff;
}

function setBits(memory: PhysicalMemory, entry: number, low: number, bits: number): void {
  if ((low & bits) !== bits) memory.setBits(entry, bits);
}
