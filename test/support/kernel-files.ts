/** Files that a user may take for a kernel, made of a few bytes each: ELF files with chosen segments, and what is no kernel at all. */

const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;
const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PT_LOAD = 1;
const MIB = 1 << 20;

export interface Segment {
  readonly paddr: number;
  readonly filesz: number;
  readonly memsz: number;
}

/** An ELF64 file for x86-64 whose segments hold zeroes but for `hlt` instructions; entered at the first one's start. */
export function elfFile(segments: readonly Segment[], { type = ET_EXEC, machine = EM_X86_64 } = {}): Uint8Array {
  const headers = ELF_HEADER + segments.length * PROGRAM_HEADER;
  const size = segments.reduce((sum, segment) => sum + segment.filesz, headers);
  const bytes = new Uint8Array(size).fill(0xf4, headers);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, type, true);
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(segments[0]?.paddr ?? 0), true);
  view.setBigUint64(32, BigInt(ELF_HEADER), true);
  view.setUint16(52, ELF_HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, segments.length, true);
  let offset = headers;
  segments.forEach(({ paddr, filesz, memsz }, i) => {
    const at = ELF_HEADER + i * PROGRAM_HEADER;
    view.setUint32(at, PT_LOAD, true);
    view.setUint32(at + 4, 7, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(paddr), true);
    view.setBigUint64(at + 24, BigInt(paddr), true);
    view.setBigUint64(at + 32, BigInt(filesz), true);
    view.setBigUint64(at + 40, BigInt(memsz), true);
    offset += filesz;
  });
  return bytes;
}

/** The smallest thing that loads: one segment at 16 MiB. */
export const goodKernel = () => elfFile([{ paddr: 16 * MIB, filesz: 4096, memsz: 4096 }]);
/** The same, with instructions to start with; they are the same in 32 and 64 bits. */
export function program(code: readonly number[]): Uint8Array {
  const bytes = goodKernel();
  bytes.set(code, ELF_HEADER + PROGRAM_HEADER);
  return bytes;
}

/** mov dx, port; mov al, letter; out dx, al */
export const print = (letter: string) => [0x66, 0xba, 0xf8, 0x03, 0xb0, letter.charCodeAt(0), 0xee];
/** cli; hlt; jmp to the hlt */
export const HANG = [0xfa, 0xf4, 0xeb, 0xfd];
/** jmp to itself */
export const SPIN = [0xeb, 0xfe];
/** ud2, which without an interrupt table is a triple fault */
export const CRASH = [0x0f, 0x0b];
/** mov dx, the PM1a control port; mov ax, SLP_EN and the type of S5; out dx, ax */
export const POWER_OFF = [0x66, 0xba, 0x04, 0x06, 0x66, 0xb8, 0x00, 0x34, 0x66, 0xef];

export const sharedObject = () => elfFile([{ paddr: 0, filesz: 4096, memsz: 4096 }], { type: ET_DYN });
export const forArm = () => elfFile([{ paddr: 16 * MIB, filesz: 64, memsz: 64 }], { machine: 183 });
export const overlapping = () =>
  elfFile([
    { paddr: 16 * MIB, filesz: 8192, memsz: 8192 },
    { paddr: 16 * MIB + 4096, filesz: 4096, memsz: 4096 },
  ]);
/** Needs memory up to 80 MiB. */
export const tall = () => elfFile([{ paddr: 16 * MIB, filesz: 64, memsz: 64 * MIB }]);

/** `size` bytes that begin with `text`, one byte a letter, and hold further text at the offsets given. */
export function blob(size: number, parts: Readonly<Record<number, string>>): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const [offset, text] of Object.entries(parts)) bytes.set(Buffer.from(text, 'latin1'), Number(offset));
  return bytes;
}

export const png = () => blob(600, { 0: '\x89PNG\r\n\x1a\n', 12: 'IHDR' });
export const gzip = () => blob(600, { 0: '\x1f\x8b\x08\0' });
export const arm64Image = () => blob(4096, { 0: 'MZ', 56: 'ARM\x64', 60: '\x40', 64: 'PE\0\0' });
export const efiBinary = () => blob(4096, { 0: 'MZ', 60: '\x80', 128: 'PE\0\0\x64\x86' });
/** A setup header that promises two sectors of set-up code and a kernel, in a file that ends after the header. */
export const cutBzImage = () =>
  blob(1024, { 497: '\x04', 500: '\0\x10', 510: '\x55\xaa', 513: '\x66', 514: 'HdrS\x0f\x02', 529: '\x01' });
