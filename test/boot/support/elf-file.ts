/** Writes ELF files for tests: headers as told, right or wrong, and recognisable bytes in each segment. */
import type { Field } from '../../../src/base/struct.ts';
import {
  EM_386,
  EM_X86_64,
  ET_EXEC,
  fileHeader32,
  fileHeader64,
  PT_LOAD,
  PT_NOTE,
  programHeader32,
  programHeader64,
} from '../../../src/boot/elf/format.ts';
import { TestFile } from './guest.ts';

export interface SegmentSpec {
  readonly type?: number;
  readonly physical?: number | bigint;
  /** Default: the physical address. */
  readonly virtual?: number | bigint;
  readonly contents?: Uint8Array;
  /** Default: where the writer puts the contents. */
  readonly offset?: number | bigint;
  readonly fileSize?: number | bigint;
  readonly memorySize?: number | bigint;
  readonly align?: number;
}

export interface ElfSpec {
  readonly bits?: 32 | 64;
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: number | bigint;
  readonly segments?: readonly SegmentSpec[];
  readonly overrides?: { readonly phoff?: number | bigint; readonly phentsize?: number; readonly phnum?: number };
  readonly path?: string;
}

/** Contents of 256 bytes that count up. */
export const COUNTING = Uint8Array.from({ length: 256 }, (_, i) => i);

export function elfFile(spec: ElfSpec = {}): TestFile {
  const { bits = 64, segments = [{ physical: 0x10_0000, contents: COUNTING }] } = spec;
  const [header, row] = bits === 64 ? [fileHeader64, programHeader64] : [fileHeader32, programHeader32];
  let end = header.size + segments.length * row.size;
  const placed = segments.map(segment => {
    const at = end;
    end += segment.contents?.length ?? 0;
    return at;
  });
  const file = new Uint8Array(end);
  file.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, 1, 1]);
  put(file, 0, header.fields, {
    type: spec.type ?? ET_EXEC,
    machine: spec.machine ?? (bits === 64 ? EM_X86_64 : EM_386),
    entry: spec.entry ?? segments[0]?.physical ?? 0,
    phoff: header.size,
    phentsize: row.size,
    phnum: segments.length,
    ...spec.overrides,
  });
  segments.forEach((segment, i) => {
    const size = segment.contents?.length ?? 0;
    put(file, header.size + i * row.size, row.fields, {
      type: segment.type ?? PT_LOAD,
      offset: segment.offset ?? placed[i]!,
      physical: 0,
      paddr: segment.physical ?? 0,
      vaddr: segment.virtual ?? segment.physical ?? 0,
      filesz: segment.fileSize ?? size,
      memsz: segment.memorySize ?? segment.fileSize ?? size,
      align: segment.align ?? 4,
    });
    if (segment.contents) file.set(segment.contents, placed[i]!);
  });
  return new TestFile(spec.path ?? 'vmlinux', file);
}

/** An ELF note, padded to 4 bytes. */
export function note(name: string, type: number, descriptor: Uint8Array | readonly number[]): Uint8Array {
  const text = new TextEncoder().encode(`${name}\0`);
  const nameEnd = 12 + Math.ceil(text.length / 4) * 4;
  const out = new Uint8Array(nameEnd + Math.ceil(descriptor.length / 4) * 4);
  const view = new DataView(out.buffer);
  view.setUint32(0, text.length, true);
  view.setUint32(4, descriptor.length, true);
  view.setUint32(8, type, true);
  out.set(text, 12);
  out.set(descriptor, nameEnd);
  return out;
}

/** A PT_NOTE segment that names a PVH entry. */
export function pvhNote(entry: number): SegmentSpec {
  const descriptor = new Uint8Array(8);
  new DataView(descriptor.buffer).setUint32(0, entry, true);
  return { type: PT_NOTE, contents: note('Xen', 18, descriptor) };
}

/** A segment at 1 MiB that is linked where Linux links itself. */
export const LINUX_SEGMENT: SegmentSpec = {
  physical: 0x10_0000,
  virtual: 0xffff_ffff_8010_0000n,
  contents: COUNTING,
  memorySize: 0x4000,
};

function put(
  file: Uint8Array,
  base: number,
  fields: Record<string, Field<number> | Field<bigint>>,
  values: Record<string, number | bigint>,
): void {
  const view = new DataView(file.buffer, base);
  for (const [name, field] of Object.entries(fields)) {
    const value = BigInt(values[name] ?? 0);
    for (let i = 0; i < field.size; i++) view.setUint8(field.offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
  }
}
