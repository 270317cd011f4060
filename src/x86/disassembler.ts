/**
 * capstone, as far as it is used: bytes to the text of one instruction. Loading it takes some ten milliseconds, so it is loaded when
 * the first instruction traps that is not read without it (port-opcodes.ts): a guest is running by then.
 */
import type { Capstone as CapstoneHandle } from 'capstone-wasm';
import type { CodeSize } from './mode.ts';
import type { RawInstruction } from './port-opcodes.ts';

export class Disassembler {
  readonly #handles: Readonly<Record<CodeSize, CapstoneHandle>>;

  private constructor(handles: Readonly<Record<CodeSize, CapstoneHandle>>) {
    this.#handles = handles;
  }

  /** Loads the library and opens it for the three code sizes. */
  static async load(): Promise<Disassembler> {
    const { Capstone, Const, loadCapstone } = await import('capstone-wasm');
    await loadCapstone();
    const open = (mode: number) => new Capstone(Const.CS_ARCH_X86, mode);
    return new Disassembler({ 16: open(Const.CS_MODE_16), 32: open(Const.CS_MODE_32), 64: open(Const.CS_MODE_64) });
  }

  /** The instruction at the start of `code`, or undefined. Never throws. */
  read(code: Uint8Array, mode: CodeSize): RawInstruction | undefined {
    try {
      const raw = this.#handles[mode].disasm(code, { address: 0, count: 1 })[0];
      if (!raw || raw.size < 1 || raw.size > code.length) return undefined;
      const { id, size, mnemonic, opStr } = raw;
      return { id, size, mnemonic, opStr };
    } catch {
      // capstone reports "no instruction here" as an exception.
      return undefined;
    }
  }

  /** Frees the library's handles. */
  close(): void {
    for (const handle of Object.values(this.#handles)) handle.close();
  }
}
