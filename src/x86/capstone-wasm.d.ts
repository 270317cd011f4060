/** The part of capstone-wasm 1.0.3 that is used here: its package.json hides its own declarations from ES modules. */
declare module 'capstone-wasm' {
  export class Capstone {
    constructor(arch: number, mode: number);
    close(): void;
    /** Throws if there is no instruction at the start of `data`. */
    disasm(
      data: Uint8Array,
      options?: { address?: number | bigint; count?: number },
    ): { id: number; size: number; mnemonic: string; opStr: string }[];
  }
  export const Const: Readonly<Record<'CS_ARCH_X86' | 'CS_MODE_16' | 'CS_MODE_32' | 'CS_MODE_64', number>>;
  export function loadCapstone(options?: Record<string, unknown>): Promise<void>;
}
