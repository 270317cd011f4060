/** ELF files that are certainly no x86 kernel, told from the file header alone: other machines, objects, core dumps. */
import type { Identity } from '../identity.ts';
import {
  EI_CLASS,
  EI_DATA,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EM_386,
  EM_X86_64,
  ET_CORE,
  ET_DYN,
  ET_EXEC,
  ET_REL,
  isElf,
  MACHINES,
} from './format.ts';

const X86_REMEDY = 'Give a kernel built for x86: tslaunch runs x86 guests only.';
const KERNEL_REMEDY = 'Give a vmlinux (ELF) or bzImage file instead.';

/** Undefined if the file is no ELF file or may be a kernel. */
export function elfOddity(head: Uint8Array): Identity | undefined {
  if (!isElf(head)) return undefined;
  if (head.length < (head[EI_CLASS] === ELFCLASS64 ? 64 : 52))
    return { what: 'an ELF file that is cut short', remedy: 'Copy it again.' };
  const bigEndian = head[EI_DATA] === ELFDATA2MSB;
  const half = (offset: number) =>
    new DataView(head.buffer, head.byteOffset, head.byteLength).getUint16(offset, !bigEndian);
  const [type, machine] = [half(16), half(18)];
  const expected = head[EI_CLASS] === ELFCLASS64 ? EM_X86_64 : EM_386;
  if (machine !== EM_386 && machine !== EM_X86_64) {
    return { what: `an ELF file for ${MACHINES[machine] ?? `an unknown (${machine})`} processor`, remedy: X86_REMEDY };
  }
  if (bigEndian || head[EI_DATA] !== ELFDATA2LSB || (head[EI_CLASS] !== ELFCLASS32 && head[EI_CLASS] !== ELFCLASS64)) {
    return { what: 'an ELF file of an unknown class or byte order', remedy: KERNEL_REMEDY };
  }
  if (machine !== expected) {
    return { what: 'an ELF file whose class does not fit its processor (the x32 ABI?)', remedy: KERNEL_REMEDY };
  }
  if (type === ET_REL) return { what: 'an ELF object file or kernel module', remedy: KERNEL_REMEDY };
  if (type === ET_CORE) return { what: 'a core dump', remedy: KERNEL_REMEDY };
  if (type !== ET_EXEC && type !== ET_DYN) return { what: 'an ELF file of an unknown type', remedy: KERNEL_REMEDY };
  return undefined;
}
