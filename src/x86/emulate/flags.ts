/** The arithmetic flags after integer operations (Intel SDM volume 1, 3.4.3.1 and volume 2's "Flags Affected"). Values are unsigned. */
import { FLAG } from '../system-registers.ts';

const { CF, PF, AF, ZF, SF, OF } = FLAG;
/** The six arithmetic flags. */
export const OSZAPC = CF | PF | AF | ZF | SF | OF;

const MASKS = new Map([1, 2, 4, 8].map(width => [width, (1n << BigInt(width * 8)) - 1n] as const));

/** All ones of `width` bytes. */
export function maskOf(width: number): bigint {
  return MASKS.get(width)!;
}

/** The most significant bit of `width` bytes. */
export function signOf(width: number): bigint {
  return 1n << BigInt(width * 8 - 1);
}

/** 1 if the low byte of `value` has an even number of ones, as PF has it. */
function parity(value: bigint): number {
  let byte = Number(value & 0xffn);
  byte ^= byte >> 4;
  byte ^= byte >> 2;
  byte ^= byte >> 1;
  return byte & 1 ? 0 : PF;
}

/** ZF, SF and PF of a result. */
export function zsp(result: bigint, width: number): number {
  return (result === 0n ? ZF : 0) | (result & signOf(width) ? SF : 0) | parity(result);
}

/** Result and flags of `a + b + carry`. */
export function add(a: bigint, b: bigint, carry: bigint, width: number): { result: bigint; flags: number } {
  const sum = a + b + carry;
  const result = sum & maskOf(width);
  const overflow = (a ^ result) & (b ^ result) & signOf(width);
  const flags =
    (sum > maskOf(width) ? CF : 0) | ((a ^ b ^ result) & 16n ? AF : 0) | (overflow ? OF : 0) | zsp(result, width);
  return { result, flags };
}

/** Result and flags of `a - b - borrow`. */
export function subtract(a: bigint, b: bigint, borrow: bigint, width: number): { result: bigint; flags: number } {
  const difference = a - b - borrow;
  const result = difference & maskOf(width);
  const overflow = (a ^ b) & (a ^ result) & signOf(width);
  const flags =
    (difference < 0n ? CF : 0) | ((a ^ b ^ result) & 16n ? AF : 0) | (overflow ? OF : 0) | zsp(result, width);
  return { result, flags };
}

/** The condition of Jcc, SETcc and CMOVcc by the low four bits of their opcode (SDM volume 1, appendix B). */
export function condition(code: number, flags: number): boolean {
  const { CF: c, ZF: z, SF: s, OF: o, PF: p } = FLAG;
  const less = ((flags & s) !== 0) !== ((flags & o) !== 0);
  const tests = [
    (flags & o) !== 0,
    (flags & c) !== 0,
    (flags & z) !== 0,
    (flags & (c | z)) !== 0,
    (flags & s) !== 0,
    (flags & p) !== 0,
    less,
    less || (flags & z) !== 0,
  ];
  return tests[code >> 1]! !== ((code & 1) === 1);
}
