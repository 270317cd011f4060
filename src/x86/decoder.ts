/**
 * Bytes to instructions: IN and OUT by their opcodes, everything else by capstone, which is loaded when it is first needed. Each
 * distinct instruction is decoded and parsed once; see decode-cache.ts.
 */
import { DecodeCache } from './decode-cache.ts';
import { Disassembler } from './disassembler.ts';
import { MAX_LENGTH } from './fetch.ts';
import type { CodeSize } from './mode.ts';
import { type Operand, parseOperands } from './operands.ts';
import { portInstruction, type RawInstruction } from './port-opcodes.ts';
import { type Prefixes, prefixesOf } from './prefixes.ts';
import { registerNamed } from './registers.ts';
import { type Shape, shapeOf } from './shape.ts';

export interface Instruction {
  /** capstone's number for the instruction. */
  readonly id: number;
  /** Length in bytes, 1 to 15. */
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly mode: CodeSize;
  /** Without prefixes, for example `movs` is `movsb`. */
  readonly mnemonic: string;
  /** Prefixes, mnemonic and operands, Intel syntax; branch targets are relative to address 0. */
  readonly text: string;
  readonly prefixes: Prefixes;
  /** Undefined if the operand text has a form that the parser does not know. */
  readonly operands: readonly Operand[] | undefined;
  /** What it touches, without register values. */
  readonly shape: Shape;
}

const STACK_POINTERS = { 16: registerNamed('sp')!, 32: registerNamed('esp')!, 64: registerNamed('rsp')! } as const;
/** Words before the mnemonic in capstone's text: `lock cmpxchg`, `rep movsb`, `xacquire lock add`, `notrack jmp`. */
const PREFIX_WORDS = /^(?:(?:lock|rep|repe|repz|repne|repnz|xacquire|xrelease|bnd|notrack|data16|addr32) )+/;

/** Thrown for bytes that only the disassembler can read while it is not loaded. */
export class DisassemblerNeeded {}

export class Decoder {
  readonly cache = new DecodeCache<Instruction>();
  #disassembler: Disassembler | undefined;

  /** A decoder with its disassembler. */
  static async load(): Promise<Decoder> {
    const decoder = new Decoder();
    await decoder.loadDisassembler();
    return decoder;
  }

  /** Loads the disassembler, if that is still to do. */
  async loadDisassembler(): Promise<void> {
    this.#disassembler ??= await Disassembler.load();
  }

  get hits(): number {
    return this.cache.hits;
  }

  get misses(): number {
    return this.cache.misses;
  }

  /**
   * The instruction at `bytes[offset]`, of which `available` bytes are known; undefined if there is none. Throws nothing but
   * {@link DisassemblerNeeded}.
   */
  decode(bytes: Uint8Array, offset: number, available: number, mode: CodeSize): Instruction | undefined {
    const known = Math.min(available, bytes.length - offset, MAX_LENGTH);
    if (known <= 0) return undefined;
    const cached = this.cache.find(bytes, offset, known, mode);
    if (cached) return cached;
    const raw =
      portInstruction(bytes, offset, known, mode) ?? this.#disassemble(bytes.slice(offset, offset + known), mode);
    if (!raw) return undefined;
    const decoded = instructionOf(raw, bytes.slice(offset, offset + raw.size), mode);
    this.cache.add(decoded, bytes, offset, known, mode);
    return decoded;
  }

  /** Frees the disassembler. The decoder must not be used afterwards. */
  close(): void {
    this.#disassembler?.close();
  }

  #disassemble(code: Uint8Array, mode: CodeSize): RawInstruction | undefined {
    if (!this.#disassembler) throw new DisassemblerNeeded();
    return this.#disassembler.read(code, mode);
  }
}

function instructionOf(raw: RawInstruction, bytes: Uint8Array, mode: CodeSize): Instruction {
  const mnemonic = raw.mnemonic.replace(PREFIX_WORDS, '');
  const operands = parseOperands(raw.opStr);
  return {
    id: raw.id,
    size: raw.size,
    bytes,
    mode,
    mnemonic,
    text: raw.opStr ? `${raw.mnemonic} ${raw.opStr}` : raw.mnemonic,
    prefixes: prefixesOf(bytes, mode),
    operands,
    shape: shapeOf(mnemonic, raw.opStr, operands ?? [], mode, STACK_POINTERS[mode]),
  };
}
