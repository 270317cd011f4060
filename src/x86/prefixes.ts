/** The legacy prefixes of an instruction, from its bytes (Intel SDM volume 2, 2.1.1), and the REX prefix where there is one. */
import type { CodeSize } from './mode.ts';
import type { SegmentName } from './registers.ts';

export interface Prefixes {
  /** F3 or F2, whichever came last. */
  readonly repeat: 'rep' | 'repne' | undefined;
  readonly lock: boolean;
  /** 66: the other operand size. */
  readonly operandSize: boolean;
  /** 67: the other address size. */
  readonly addressSize: boolean;
  readonly segment: SegmentName | undefined;
  /** The REX byte that applies (0 if none): only one directly before the opcode counts. */
  readonly rex: number;
  /** Bytes before the opcode. */
  readonly length: number;
}

const SEGMENT_BYTES: Readonly<Record<number, SegmentName>> = {
  38: 'es',
  46: 'cs',
  54: 'ss',
  62: 'ds',
  100: 'fs',
  101: 'gs',
};

/** Reads the prefixes at the start of `bytes`. */
export function prefixesOf(bytes: Uint8Array, mode: CodeSize, offset = 0, end = bytes.length): Prefixes {
  let repeat: Prefixes['repeat'];
  let lock = false;
  let operandSize = false;
  let addressSize = false;
  let segment: SegmentName | undefined;
  let rex = 0;
  let at = offset;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === 0xf3) repeat = 'rep';
    else if (byte === 0xf2) repeat = 'repne';
    else if (byte === 0xf0) lock = true;
    else if (byte === 0x66) operandSize = true;
    else if (byte === 0x67) addressSize = true;
    else if (SEGMENT_BYTES[byte]) {
      // In 64-bit mode only FS and GS mean anything, and a later ES, CS, SS or DS does not take them back.
      if (mode !== 64 || byte >= 0x64) segment = SEGMENT_BYTES[byte];
    } else if (mode === 64 && (byte & 0xf0) === 0x40) {
      rex = byte;
      continue;
    } else break;
    // A legacy prefix after REX makes the REX void.
    rex = 0;
  }
  return { repeat, lock, operandSize, addressSize, segment, rex, length: at - offset };
}
