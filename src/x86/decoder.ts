/**
 * Bytes to instructions, by capstone. The library is loaded when the first decoder is made, not with the program: a guest is
 * running by then. Each distinct instruction is decoded and parsed once; see decode-cache.ts.
 */
import type { Capstone as CapstoneHandle } from 'capstone-wasm';
import { DecodeCache } from './decode-cache.ts';
import { MAX_LENGTH } from './fetch.ts';
import type { CodeSize } from './mode.ts';
import { type Operand, parseOperands } from './operands.ts';
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

export class Decoder {
  readonly cache = new DecodeCache<Instruction>();
  readonly #handles: Readonly<Record<CodeSize, CapstoneHandle>>;

  private constructor(handles: Readonly<Record<CodeSize, CapstoneHandle>>) {
    this.#handles = handles;
  }

  /** Loads the library (about 25 ms) and opens it for the three code sizes. */
  static async load(): Promise<Decoder> {
    const { Capstone, Const, loadCapstone } = await import('capstone-wasm');
    await loadCapstone();
    const open = (mode: number) => new Capstone(Const.CS_ARCH_X86, mode);
    return new Decoder({ 16: open(Const.CS_MODE_16), 32: open(Const.CS_MODE_32), 64: open(Const.CS_MODE_64) });
  }

  get hits(): number {
    return this.cache.hits;
  }

  get misses(): number {
    return this.cache.misses;
  }

  /** The instruction at `bytes[offset]`, of which `available` bytes are known; undefined if there is none. Never throws. */
  decode(bytes: Uint8Array, offset: number, available: number, mode: CodeSize): Instruction | undefined {
    const known = Math.min(available, bytes.length - offset, MAX_LENGTH);
    if (known <= 0) return undefined;
    const cached = this.cache.find(bytes, offset, known, mode);
    if (cached) return cached;
    const decoded = this.#disassemble(bytes.slice(offset, offset + known), mode);
    if (decoded) this.cache.add(decoded, bytes, offset, known, mode);
    return decoded;
  }

  /** Frees the library's handles. The decoder must not be used afterwards. */
  close(): void {
    for (const handle of Object.values(this.#handles)) handle.close();
  }

  #disassemble(code: Uint8Array, mode: CodeSize): Instruction | undefined {
    let raw: { id: number; size: number; mnemonic: string; opStr: string } | undefined;
    try {
      raw = this.#handles[mode].disasm(code, { address: 0, count: 1 })[0];
    } catch {
      // capstone reports "no instruction here" as an exception.
      return undefined;
    }
    if (!raw || raw.size < 1 || raw.size > code.length) return undefined;
    const bytes = code.slice(0, raw.size);
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
}
