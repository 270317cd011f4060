/**
 * Reads an ELF kernel's headers and decides whether it can be loaded into this guest. Nothing is written here, and nothing
 * from the file is believed: offsets, sizes and addresses are checked before use, counts before memory is taken for them.
 */
import { hex } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import type { StructOf } from '../../base/struct.ts';
import { type KernelSource, readBytes } from '../source.ts';
import {
  EI_CLASS,
  ELFCLASS64,
  ET_DYN,
  fileHeader32,
  fileHeader64,
  PT_INTERP,
  PT_LOAD,
  PT_NOTE,
  programHeader32,
  programHeader64,
} from './format.ts';
import { type ElfNote, isUserProgram, parseNotes, pvhEntryPoint } from './notes.ts';
import { elfOddity } from './oddity.ts';

export interface ElfSegment {
  /** Position among the program headers, as readelf counts. */
  readonly index: number;
  readonly offset: number;
  readonly fileSize: number;
  /** At least fileSize; the rest is zero. */
  readonly memorySize: number;
  readonly physical: number;
  readonly virtual: bigint;
}

export interface ElfImage {
  readonly bits: 32 | 64;
  /** e_entry as it stands in the file: physical in Linux, virtual elsewhere. */
  readonly entry: bigint;
  /** What is to be loaded, in file order, none of it empty. */
  readonly segments: readonly ElfSegment[];
  /** Physical address of the 32-bit entry that a PVH note names. */
  readonly pvhEntry: number | undefined;
}

/** Real kernels have five or so. */
const MAX_PROGRAM_HEADERS = 256;
/** Notes of real kernels take less than 1 KiB. */
const MAX_NOTE_BYTES = 64 * 1024;

type ProgramHeader = StructOf<typeof programHeader64.fields> | StructOf<typeof programHeader32.fields>;

/** `head` is the beginning of the file, of which the caller knows that it is ELF. Throws UsageError. */
export function parseElf(source: KernelSource, head: Uint8Array): ElfImage {
  const bits = head[EI_CLASS] === ELFCLASS64 ? 64 : 32;
  const oddity = elfOddity(head);
  if (oddity) throw new UsageError(`${source.path} is not a kernel but ${oddity.what}.`, oddity.remedy);
  const header = (bits === 64 ? fileHeader64 : fileHeader32).over(head);
  const programHeaders = readProgramHeaders(source, bits, header);
  const notes = readNotes(source, programHeaders);
  const pvhEntry = pvhEntryPoint(notes);
  refusePrograms(source, header.type, programHeaders, notes, pvhEntry);
  const segments = programHeaders.flatMap((p, index) => (p.type === PT_LOAD ? [toSegment(source, p, index)] : []));
  const loaded = segments.filter(segment => segment.memorySize > 0);
  if (loaded.length === 0) {
    throw new UsageError(
      `${source.path} is an ELF file without anything to load.`,
      'Give a vmlinux that is not stripped.',
    );
  }
  return { bits, entry: BigInt(header.entry), segments: loaded, pvhEntry };
}

function readProgramHeaders(
  source: KernelSource,
  bits: 32 | 64,
  header: { phoff: number | bigint; phentsize: number; phnum: number },
): ProgramHeader[] {
  const layout = bits === 64 ? programHeader64 : programHeader32;
  const { phnum, phentsize } = header;
  const offset = Number(header.phoff);
  if (phnum === 0) {
    throw new UsageError(`${source.path} is an ELF file without program headers.`, 'Give a linked kernel.');
  }
  if (phentsize !== layout.size || phnum > MAX_PROGRAM_HEADERS) {
    throw new UsageError(
      `${source.path} has a damaged ELF header (${phnum} program headers of ${phentsize} bytes).`,
      'Copy or build the kernel again.',
    );
  }
  if (offset + phnum * layout.size > source.size) {
    throw new UsageError(
      `${source.path} is cut short: its program headers end at byte ${offset + phnum * layout.size} of ${source.size}.`,
      'Copy the kernel again.',
    );
  }
  const table = readBytes(source, offset, phnum * layout.size);
  return Array.from({ length: phnum }, (_, i) => layout.over(table, i * layout.size));
}

function toSegment(source: KernelSource, p: ProgramHeader, index: number): ElfSegment {
  const offset = Number(p.offset);
  const fileSize = Number(p.filesz);
  const memorySize = Number(p.memsz);
  const physical = Number(p.paddr);
  if (fileSize > memorySize) {
    throw new UsageError(
      `${source.path} is damaged: segment ${index} has ${hex(fileSize)} bytes in the file but ${hex(memorySize)} in memory.`,
      'Copy or build the kernel again.',
    );
  }
  if (offset + fileSize > source.size) {
    throw new UsageError(
      `${source.path} is cut short: segment ${index} ends at byte ${offset + fileSize}, the file at ${source.size}.`,
      'Copy the kernel again.',
    );
  }
  return { index, offset, fileSize, memorySize, physical, virtual: BigInt(p.vaddr) };
}

function readNotes(source: KernelSource, programHeaders: readonly ProgramHeader[]): ElfNote[] {
  const notes: ElfNote[] = [];
  let budget = MAX_NOTE_BYTES;
  for (const p of programHeaders) {
    const [offset, size] = [Number(p.offset), Number(p.filesz)];
    if (p.type !== PT_NOTE || size > budget || offset + size > source.size) continue;
    budget -= size;
    notes.push(...parseNotes(readBytes(source, offset, size), Number(p.align)));
  }
  return notes;
}

function refusePrograms(
  source: KernelSource,
  type: number,
  programHeaders: readonly ProgramHeader[],
  notes: readonly ElfNote[],
  pvhEntry: number | undefined,
): void {
  const interpreted = programHeaders.some(p => p.type === PT_INTERP);
  const program = interpreted || isUserProgram(notes);
  const library = type === ET_DYN && (program || pvhEntry === undefined);
  if (!program && !library) return;
  const what = program
    ? library
      ? 'an ordinary program or shared object'
      : 'an ordinary program'
    : 'an ELF shared object';
  throw new UsageError(`${source.path} is not a kernel but ${what}.`, 'Give a vmlinux (ELF) or bzImage file instead.');
}
