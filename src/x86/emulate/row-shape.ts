/** What a row of the emulator's table says about an instruction, without what it does: enough to decode, document and test it. */

export type OperandKind =
  | 'E'
  | 'G'
  | 'M'
  | 'R'
  | 'W'
  | 'V'
  | 'U'
  | 'H'
  | 'B'
  | 'I'
  | 'J'
  | 'S'
  | 'O'
  | 'Z'
  | 'L'
  | 'T'
  | 'K'
  | 'N'
  | 'Y'
  | 'fixed';
export type SizeRule = number | 'v' | 'y' | 'z' | 'x' | 'u' | 'a';

export interface OperandSpec {
  readonly kind: OperandKind;
  readonly size: SizeRule;
  /** Size in memory, where it is not that of the register. */
  readonly memorySize?: number;
  /** For `fixed`: the register's number (AL and rAX 0, CL 1, DX 2, XMM0 0), or the constant 1. */
  readonly number: number;
  readonly text: string;
}

/** Which unit must be switched on for an instruction: decides #UD and #NM by CR0, CR4 and XCR0. */
export type Unit = 'integer' | 'x87' | 'sse' | 'avx' | 'avx512';

export interface RowShape {
  readonly name: string;
  /** As written in the table, for documents and messages. */
  readonly encoding: string;
  readonly prefix: '' | 'NP' | '66' | 'F3' | 'F2';
  /** 0 one byte, 1 0F, 2 0F38, 3 0F3A. */
  readonly map: 0 | 1 | 2 | 3;
  readonly opcode: number;
  /** Opcode extension in ModRM.reg, or -1. */
  readonly digit: number;
  /** The whole ModRM byte where it is part of the opcode, or -1. */
  readonly fixedModrm: number;
  /** VEX or EVEX. */
  readonly vex: boolean;
  readonly evex: boolean;
  /** Bytes of a lane that a mask register picks, and that a broadcast operand has; 0 where neither is allowed. */
  readonly element: number;
  /** Memory may be one element, repeated (EVEX.b). */
  readonly broadcast: boolean;
  /** VEX.W or REX.W that the row wants, or undefined for any. */
  readonly w: 0 | 1 | undefined;
  /** VEX.L or EVEX.L'L that the row wants, or undefined for any. */
  readonly l: 0 | 1 | 2 | undefined;
  readonly modrm: boolean;
  readonly operands: readonly OperandSpec[];
  readonly unit: Unit;
  /** CPUID feature as in /proc/cpuinfo; undefined for what every x86-64 has. */
  readonly feature: string | undefined;
  /** Flags it sets, in capitals, and leaves undefined, in small letters, of OSZAPC. */
  readonly flags: string;
  readonly faults: string;
  /** Heading in the SDM's volume 2. */
  readonly manual: string;
  /** A LOCK prefix is allowed with a memory destination. */
  readonly lockable: boolean;
  /** Operand size 8 in 64-bit mode without REX.W: stack operations and near branches. */
  readonly wide: boolean;
  /** Near branch: in 64-bit mode the operand size is 8 whatever the prefixes. */
  readonly near: boolean;
  /** Code sizes that have it: all, 64-bit code only, or all but that. */
  readonly modes: 'all' | 'long' | 'legacy';
  /** Privileged or system instruction: not to be run in user space by the tests. */
  readonly system: boolean;
}
