/**
 * How long an instruction is, from tables, without the disassembler, which takes a hundred times as long. Looking backwards from
 * RIP, fifteen places are tried of which one is where an instruction starts; most others are ruled out by their length. Where
 * this does not know (VEX, EVEX, far pointers, rare opcodes) it says so, and the disassembler is asked.
 */
import type { CodeSize } from './mode.ts';
import { prefixesOf } from './prefixes.ts';

/** What {@link instructionLength} says of bytes that it does not know, or that are too few. */
export const UNKNOWN = 0;

/**
 * What follows an opcode (Intel SDM volume 2, appendix A), a letter each, sixteen a row: `-` nothing, `m` ModRM, `b` one byte, `w` two,
 * `e` three, `z` two or four by operand size, `v` up to eight, `j` a branch offset, `a` an absolute offset, `B` ModRM and a byte,
 * `Z` ModRM and `z`, `f` and `F` ModRM and for /0 and /1 a byte or `z`, `?` not known here.
 */
const ONE_BYTE = [
  ...['mmmmbz--mmmmbz-?', 'mmmmbz--mmmmbz--', 'mmmmbz?-mmmmbz?-', 'mmmmbz?-mmmmbz?-'],
  ...['----------------', '----------------', '--?m????zZbB----', 'bbbbbbbbbbbbbbbb'],
  ...['BZBBmmmmmmmmmmm?', '----------?-----', 'aaaa----bz------', 'bbbbbbbbvvvvvvvv'],
  ...['BBw-??BZe-w--b--', 'mmmmbb?-mmmmmmmm', 'bbbbbbbbjj?b----', '?-??--fF------mm'],
].join('');
const TWO_BYTE = [
  ...['mmmm?-----?-?m-?', 'mmmmmmmmmmmmmmmm', '????????mmmmmmmm', '------?-????????'],
  ...['mmmmmmmmmmmmmmmm', 'mmmmmmmmmmmmmmmm', 'mmmmmmmmmmmmmmmm', 'BBBBmmm-????mmmm'],
  ...['jjjjjjjjjjjjjjjj', 'mmmmmmmmmmmmmmmm', '---mBm??---mBmmm', 'mmmmmmmm??Bmmmmm'],
  ...['mmBmBBBm--------', 'mmmmmmmmmmmmmmmm', 'mmmmmmmmmmmmmmmm', 'mmmmmmmmmmmmmmm?'],
].join('');

/** Bytes of ModRM, SIB and displacement at `bytes[at]`. */
function modrmLength(bytes: Uint8Array, at: number, addressSize: number): number {
  const modrm = bytes[at] ?? 0;
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 3) return 1;
  if (addressSize === 2) return 1 + (mod === 1 ? 1 : mod === 2 || rm === 6 ? 2 : 0);
  const sib = rm === 4 ? 1 : 0;
  if (mod === 1) return 2 + sib;
  const base = sib ? (bytes[at + 1] ?? 0) & 7 : rm;
  return 1 + sib + (mod === 2 || base === 5 ? 4 : 0);
}

/**
 * The length of the instruction at `bytes[offset]` if there is one, or {@link UNKNOWN}. Bytes beyond `offset + available` are not
 * counted: an instruction that would need them is unknown. That the bytes are an instruction at all is not said.
 */
export function instructionLength(bytes: Uint8Array, offset: number, available: number, mode: CodeSize): number {
  const end = offset + available;
  const prefixes = prefixesOf(bytes, mode, offset, end);
  let at = offset + prefixes.length;
  if (at >= end) return UNKNOWN;
  let follows = ONE_BYTE[bytes[at]!]!;
  if (bytes[at] === 0x0f) {
    const second = bytes[++at] ?? 0;
    follows = TWO_BYTE[second]!;
    if (second === 0x38 || second === 0x3a) {
      at++;
      follows = second === 0x38 ? 'm' : 'B';
    }
  }
  at++;
  const wide = (prefixes.rex & 8) !== 0;
  const z = (mode === 16) !== prefixes.operandSize && !wide ? 2 : 4;
  const addressSize = prefixes.addressSize ? (mode === 32 ? 2 : 4) : mode / 8;
  switch (follows) {
    case '-':
      break;
    case 'b':
      at += 1;
      break;
    case 'w':
      at += 2;
      break;
    case 'e':
      at += 3;
      break;
    case 'z':
      at += z;
      break;
    case 'v':
      at += wide ? 8 : z;
      break;
    case 'a':
      at += addressSize;
      break;
    case 'j':
      // In 64-bit mode processors differ about what the prefix does here.
      if (prefixes.operandSize && mode === 64) return UNKNOWN;
      at += z;
      break;
    case '?':
      return UNKNOWN;
    default:
      at = afterModrm(follows, bytes, at, addressSize, z);
  }
  return at <= end ? at - offset : UNKNOWN;
}

function afterModrm(follows: string, bytes: Uint8Array, at: number, addressSize: number, z: number): number {
  const after = at + modrmLength(bytes, at, addressSize);
  const tests = ((bytes[at] ?? 0) & 0x30) === 0;
  if (follows === 'B' || (follows === 'f' && tests)) return after + 1;
  return follows === 'Z' || (follows === 'F' && tests) ? after + z : after;
}
