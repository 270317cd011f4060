/**
 * Register names as the disassembler prints them, with the number the hardware gives them, their width, and which file they are
 * in. A table, so that the operand parser, the access resolver and the traces agree.
 */
export type RegisterFileName =
  | 'general'
  | 'segment'
  | 'control'
  | 'debug'
  | 'mmx'
  | 'vector'
  | 'mask'
  | 'bound'
  | 'x87'
  | 'special';

export interface Register {
  readonly kind: 'register';
  readonly name: string;
  readonly file: RegisterFileName;
  /** The number in ModRM, extended by REX: 0 to 15 for general registers (0 is RAX, 1 RCX, 4 RSP). */
  readonly number: number;
  /** In bytes. */
  readonly width: number;
  /** AH, CH, DH, BH: bits 15 to 8 of registers 0 to 3. */
  readonly high: boolean;
}

/** Segment registers in the order of their ModRM numbers. */
export const SEGMENT_NAMES = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const;
export type SegmentName = (typeof SEGMENT_NAMES)[number];

/** General registers by number, 64 bit. */
export const GENERAL_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
] as const;

const table = new Map<string, Register>();

function add(name: string, file: RegisterFileName, number: number, width: number, high = false): void {
  table.set(name, { kind: 'register', name, file, number, width, high });
}

for (const [number, name] of GENERAL_NAMES.entries()) {
  add(name, 'general', number, 8);
  if (number >= 8) {
    add(`${name}d`, 'general', number, 4);
    add(`${name}w`, 'general', number, 2);
    add(`${name}b`, 'general', number, 1);
  } else {
    const short = name.slice(1);
    add(`e${short}`, 'general', number, 4);
    add(short, 'general', number, 2);
    add(number < 4 ? `${short[0]}l` : `${short}l`, 'general', number, 1);
    if (number < 4) add(`${short[0]}h`, 'general', number, 1, true);
  }
}
for (const [number, name] of SEGMENT_NAMES.entries()) add(name, 'segment', number, 2);
for (let i = 0; i < 16; i++) {
  add(`cr${i}`, 'control', i, 8);
  add(`dr${i}`, 'debug', i, 8);
}
for (let i = 0; i < 32; i++) {
  add(`xmm${i}`, 'vector', i, 16);
  add(`ymm${i}`, 'vector', i, 32);
  add(`zmm${i}`, 'vector', i, 64);
}
for (let i = 0; i < 8; i++) {
  add(`mm${i}`, 'mmx', i, 8);
  add(`k${i}`, 'mask', i, 8);
  add(`st(${i})`, 'x87', i, 10);
}
for (let i = 0; i < 4; i++) add(`bnd${i}`, 'bound', i, 16);
add('st', 'x87', 0, 10);
add('rip', 'special', 16, 8);
add('eip', 'special', 16, 4);
add('ip', 'special', 16, 2);
/** "No index" of a SIB byte whose index field is 4; the disassembler names it where it matters. */
add('riz', 'special', 17, 8);
add('eiz', 'special', 17, 4);

/** The register of that name, or undefined. */
export function registerNamed(name: string): Register | undefined {
  return table.get(name);
}
