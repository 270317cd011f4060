/** Everything of an instruction before ModRM: prefixes, REX or VEX, opcode map and opcode, in one shape (Intel SDM volume 2, 2.1 to 2.3). */
import type { CodeSize } from '../mode.ts';
import type { Prefixes } from '../prefixes.ts';
import type { ByteReader } from './modrm.ts';

export interface Head {
  readonly prefixes: Prefixes;
  readonly map: number;
  readonly opcode: number;
  readonly mandatory: 'NP' | '66' | 'F3' | 'F2';
  readonly vex: boolean;
  readonly w: boolean;
  /** 8 or 0: extensions of ModRM.reg, SIB.index, ModRM.rm. */
  readonly r: number;
  readonly x: number;
  readonly b: number;
  readonly vvvv: number;
  readonly l: 0 | 1;
}

const PP = ['NP', '66', 'F3', 'F2'] as const;

export function legacyHead(reader: ByteReader, prefixes: Prefixes): Head {
  const { rex } = prefixes;
  let opcode = reader.u8();
  let map = 0;
  if (opcode === 0x0f) {
    opcode = reader.u8();
    map = 1;
    if (opcode === 0x38 || opcode === 0x3a) {
      map = opcode === 0x38 ? 2 : 3;
      opcode = reader.u8();
    }
  }
  const mandatory =
    prefixes.repeat === 'rep' ? 'F3' : prefixes.repeat === 'repne' ? 'F2' : prefixes.operandSize ? '66' : 'NP';
  return {
    prefixes,
    map,
    opcode,
    mandatory,
    vex: false,
    w: (rex & 8) !== 0,
    r: rex & 4 ? 8 : 0,
    x: rex & 2 ? 8 : 0,
    b: rex & 1 ? 8 : 0,
    vvvv: 0,
    l: 0,
  };
}

/** A VEX prefix (C5 or C4) at the reader, or undefined if the byte is LDS or LES there, or the prefix is malformed. */
export function vexHead(reader: ByteReader, prefixes: Prefixes, mode: CodeSize): Head | undefined {
  const first = reader.bytes[reader.at]!;
  const second = reader.bytes[reader.at + 1] ?? 0;
  if (mode !== 64 && second >> 6 !== 3) return undefined;
  if (prefixes.rex || prefixes.lock || prefixes.repeat || prefixes.operandSize) return undefined;
  reader.u8();
  const one = reader.u8();
  const two = first === 0xc4 ? reader.u8() : one & 0x7f;
  const map = first === 0xc4 ? one & 0x1f : 1;
  if (map < 1 || map > 3) return undefined;
  const long = mode === 64;
  return {
    prefixes,
    map,
    opcode: reader.u8(),
    mandatory: PP[two & 3]!,
    vex: true,
    w: first === 0xc4 && (two & 0x80) !== 0,
    r: long && (one & 0x80) === 0 ? 8 : 0,
    x: long && first === 0xc4 && (one & 0x40) === 0 ? 8 : 0,
    b: long && first === 0xc4 && (one & 0x20) === 0 ? 8 : 0,
    vvvv: (~two >> 3) & (long ? 15 : 7),
    l: two & 4 ? 1 : 0,
  };
}
