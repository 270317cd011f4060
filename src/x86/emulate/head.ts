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
  /** Register in VEX.vvvv or EVEX.V'vvvv. */
  readonly vvvv: number;
  /** Vector length: 16 bytes shifted by this. */
  readonly l: 0 | 1 | 2;
  readonly evex: EvexBits | undefined;
}

/** What only EVEX has (SDM volume 2, 2.7). */
export interface EvexBits {
  /** 16 or 0: the fifth bits of ModRM.reg and, for vectors, of ModRM.rm. */
  readonly reg: number;
  readonly rm: number;
  readonly mask: number;
  readonly zeroing: boolean;
  readonly b: boolean;
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
    evex: undefined,
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
    evex: undefined,
  };
}

/** An EVEX prefix (62), or undefined if the byte is BOUND there, or the prefix is malformed. */
export function evexHead(reader: ByteReader, prefixes: Prefixes, mode: CodeSize): Head | undefined {
  if (mode !== 64 && (reader.bytes[reader.at + 1] ?? 0) >> 6 !== 3) return undefined;
  if (prefixes.rex || prefixes.lock || prefixes.repeat || prefixes.operandSize) return undefined;
  reader.u8();
  const [p0, p1, p2] = [reader.u8(), reader.u8(), reader.u8()];
  const map = p0 & 7;
  const length = (p2 >> 5) & 3;
  if (map < 1 || map > 3 || p0 & 8 || !(p1 & 4) || length === 3) return undefined;
  const long = mode === 64;
  const x = long && !(p0 & 0x40);
  return {
    prefixes,
    map,
    opcode: reader.u8(),
    mandatory: PP[p1 & 3]!,
    vex: true,
    w: (p1 & 0x80) !== 0,
    r: long && !(p0 & 0x80) ? 8 : 0,
    x: x ? 8 : 0,
    b: long && !(p0 & 0x20) ? 8 : 0,
    vvvv: ((~p1 >> 3) & (long ? 15 : 7)) | (long && !(p2 & 8) ? 16 : 0),
    l: length as 0 | 1 | 2,
    evex: {
      reg: long && !(p0 & 0x10) ? 16 : 0,
      rm: x ? 16 : 0,
      mask: p2 & 7,
      zeroing: (p2 & 0x80) !== 0,
      b: (p2 & 0x10) !== 0,
    },
  };
}
