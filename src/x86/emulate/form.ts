/**
 * An instruction of the table as found in memory: its row, and its operands with sizes and register numbers worked out. It depends on
 * the bytes and the code size only, so it is cached like the disassembler's output.
 */
import type { CodeSize } from '../mode.ts';
import type { SegmentName } from '../registers.ts';
import type { RowShape } from './row-shape.ts';

export type FormOperand =
  | { readonly kind: 'general'; readonly number: number; readonly width: number; readonly high: boolean }
  | { readonly kind: 'vector'; readonly number: number; readonly width: number }
  | { readonly kind: 'mask'; readonly number: number; readonly width: number }
  | { readonly kind: 'stack'; readonly number: number; readonly width: number }
  | { readonly kind: 'segment'; readonly number: number; readonly width: number }
  | { readonly kind: 'immediate'; readonly value: bigint; readonly width: number }
  | { readonly kind: 'memory'; readonly width: number; readonly alignment: number };

/** The memory operand's address, before registers are known. */
export interface FormAddress {
  /** Register numbers, or -1; base 16 is RIP. */
  readonly base: number;
  readonly index: number;
  readonly scale: number;
  /** Sign-extended, as a number of magnitude below 2^32, and as 64 bits for absolute offsets. */
  readonly displacement: number;
  readonly absolute: bigint | undefined;
  readonly segment: SegmentName;
}

export interface Form<R extends RowShape = RowShape> {
  readonly row: R;
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly mode: CodeSize;
  readonly operands: readonly FormOperand[];
  readonly address: FormAddress | undefined;
  /** Operand size in bytes: 2, 4 or 8. */
  readonly operandSize: 2 | 4 | 8;
  readonly addressSize: 2 | 4 | 8;
  /** Segment of the source of a string instruction: DS or an override. */
  readonly stringSegment: SegmentName;
  readonly repeat: 'rep' | 'repne' | undefined;
  readonly lock: boolean;
  /** Vector length in bytes: 64 and 32 by EVEX.L'L, 32 for VEX.256, else 16. */
  readonly vectorSize: 16 | 32 | 64;
  /** EVEX: the opmask register (0 means none), whether lanes left out become zero, whether memory is one element for all. */
  readonly mask: number;
  readonly zeroing: boolean;
  readonly broadcast: boolean;
  readonly modrm: number;
  /** REX.W or VEX.W. */
  readonly w: boolean;
}
