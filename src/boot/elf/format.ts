/** ELF as the System V ABI lays it out: the headers a loader needs, for both classes under the same names. */
import { struct, u16, u32, u64 } from '../../base/struct.ts';

export const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46] as const;
/** Offsets and values in e_ident. */
export const EI_CLASS = 4;
export const EI_DATA = 5;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
export const EM_386 = 3;
export const EM_X86_64 = 62;

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PT_NOTE = 4;

export const fileHeader64 = struct(64, {
  type: u16(16),
  machine: u16(18),
  entry: u64(24),
  phoff: u64(32),
  phentsize: u16(54),
  phnum: u16(56),
});

export const fileHeader32 = struct(52, {
  type: u16(16),
  machine: u16(18),
  entry: u32(24),
  phoff: u32(28),
  phentsize: u16(42),
  phnum: u16(44),
});

export const programHeader64 = struct(56, {
  type: u32(0),
  offset: u64(8),
  vaddr: u64(16),
  paddr: u64(24),
  filesz: u64(32),
  memsz: u64(40),
  align: u64(48),
});

export const programHeader32 = struct(32, {
  type: u32(0),
  offset: u32(4),
  vaddr: u32(8),
  paddr: u32(12),
  filesz: u32(16),
  memsz: u32(20),
  align: u32(28),
});

/** e_machine values that people meet, with their article. */
export const MACHINES: Readonly<Record<number, string>> = {
  2: 'a SPARC',
  3: 'a 32-bit x86',
  8: 'a MIPS',
  20: 'a PowerPC',
  21: 'a 64-bit PowerPC',
  22: 'an S/390',
  40: 'a 32-bit ARM',
  43: 'a 64-bit SPARC',
  50: 'an Itanium',
  62: 'an x86-64',
  183: 'an ARM64',
  243: 'a RISC-V',
  247: 'a BPF',
  258: 'a LoongArch',
};

export function isElf(head: Uint8Array): boolean {
  return head.length >= 4 && ELF_MAGIC.every((byte, i) => head[i] === byte);
}
