/**
 * The disassembler's operand text, Intel syntax, as typed operands: `dword ptr gs:[rax + rcx*4 - 8]` becomes segment, base, index,
 * scale, displacement and width. Text is all the disassembler gives; this is the only place that reads it.
 */
import { type Linear, linear } from './linear.ts';
import { type Register, registerNamed, SEGMENT_NAMES, type SegmentName } from './registers.ts';

export interface Immediate {
  readonly kind: 'immediate';
  /** As printed, two's complement of 64 bits. */
  readonly value: bigint;
}

export interface MemoryOperand {
  readonly kind: 'memory';
  /** An explicit segment, or undefined for the default one. */
  readonly segment: SegmentName | undefined;
  /** RIP for addresses relative to the next instruction. */
  readonly base: Register | undefined;
  readonly index: Register | undefined;
  readonly scale: 1 | 2 | 4 | 8;
  readonly displacement: Linear;
  /** In bytes; 0 where the text names none (fxsave, lgdt). */
  readonly width: number;
}

/** `selector:offset` of a far jump or call. */
export interface FarPointer {
  readonly kind: 'far';
  readonly text: string;
}

export type Operand = Register | Immediate | MemoryOperand | FarPointer;

const WIDTHS: Readonly<Record<string, number>> = {
  byte: 1,
  word: 2,
  dword: 4,
  fword: 6,
  qword: 8,
  xword: 10,
  tbyte: 10,
  xmmword: 16,
  ymmword: 32,
  zmmword: 64,
};

const MEMORY = /^(?:(?:(\w+) )?ptr )?(?:(\w\w):)?\[([^\]]*)\]/;
const NUMBER = /^-?(?:0x[0-9a-f]+|\d+)$/;

/** A number as printed (decimal below 10, else hexadecimal, perhaps negative), or undefined. */
function numberIn(text: string): bigint | undefined {
  if (!NUMBER.test(text)) return undefined;
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return BigInt.asUintN(64, value);
}

function isSegment(name: string | undefined): name is SegmentName {
  return (SEGMENT_NAMES as readonly (string | undefined)[]).includes(name);
}

/** The parts inside the brackets. */
function address(text: string): Pick<MemoryOperand, 'base' | 'index' | 'scale' | 'displacement'> | undefined {
  let base: Register | undefined;
  let index: Register | undefined;
  let scale: 1 | 2 | 4 | 8 = 1;
  let displacement = 0n;
  let sign = 1n;
  for (const term of text.split(' ')) {
    if (term === '+' || term === '-') {
      sign = term === '-' ? -1n : 1n;
      continue;
    }
    const [name = '', factor] = term.split('*');
    const register = registerNamed(name);
    if (register) {
      if (factor || (base && index === undefined)) {
        index = register;
        scale = Number(factor ?? 1) as 1 | 2 | 4 | 8;
      } else base = register;
      continue;
    }
    const value = numberIn(term);
    if (value === undefined) return undefined;
    displacement = BigInt.asUintN(64, displacement + sign * value);
  }
  const halves = linear(Number(displacement >> 32n), Number(displacement & 0xffff_ffffn));
  return { base, index: index?.file === 'special' ? undefined : index, scale, displacement: halves };
}

function operand(text: string): Operand | undefined {
  const register = registerNamed(text);
  if (register) return register;
  const value = numberIn(text);
  if (value !== undefined) return { kind: 'immediate', value };
  const match = MEMORY.exec(text);
  if (match) {
    const [, size, segment, inside = ''] = match;
    const parts = address(inside);
    if (!parts || (segment && !isSegment(segment))) return undefined;
    return { kind: 'memory', segment: segment as SegmentName | undefined, width: WIDTHS[size ?? ''] ?? 0, ...parts };
  }
  return /^[^:]+:[^:]+$/.test(text) ? { kind: 'far', text } : undefined;
}

/** All operands of an instruction, or undefined if the text has a form this parser does not know. */
export function parseOperands(text: string): readonly Operand[] | undefined {
  if (text === '') return [];
  const operands: Operand[] = [];
  for (const part of text.split(', ')) {
    // AVX-512 decorations ({k1}, {z}, {1to16}, {rn-sae}) follow an operand or stand alone.
    const bare = part.replace(/ ?\{[^}]*\}/g, '');
    if (bare === '') continue;
    const parsed = operand(bare);
    if (!parsed) return undefined;
    operands.push(parsed);
  }
  return operands;
}
