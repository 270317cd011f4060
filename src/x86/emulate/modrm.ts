/** ModRM and SIB bytes (Intel SDM volume 2, 2.1.3 to 2.1.5 and 2.2.1): the address form they encode, and how long they are. */
import type { SegmentName } from '../registers.ts';
import type { FormAddress } from './form.ts';

/** A reader over instruction bytes that notices when it runs out of them. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  /** Set when a byte beyond the end was asked for. */
  short = false;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  u8(): number {
    if (this.at >= this.end) {
      this.short = true;
      return 0;
    }
    return this.bytes[this.at++]!;
  }

  /** A little-endian value of 1, 2, 4 or 8 bytes, sign-extended. */
  signed(size: number): bigint {
    let value = 0n;
    for (let i = 0; i < size; i++) value |= BigInt(this.u8()) << BigInt(8 * i);
    return BigInt.asIntN(8 * size, value);
  }

  /** As {@link signed}, for 1, 2 and 4 bytes. */
  signedNumber(size: 1 | 2 | 4): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.u8() << (8 * i);
    const unused = 32 - 8 * size;
    return (value << unused) >> unused;
  }
}

const [RBX, RSP, RBP, RSI, RDI, RIP] = [3, 4, 5, 6, 7, 16] as const;
/** Base and index of the 16-bit forms, by ModRM.rm. */
const SIXTEEN = [
  [RBX, RSI],
  [RBX, RDI],
  [RBP, RSI],
  [RBP, RDI],
  [-1, RSI],
  [-1, RDI],
  [RBP, -1],
  [RBX, -1],
] as const;

const defaultSegment = (base: number): SegmentName => (base === RBP || base === RSP ? 'ss' : 'ds');

function sixteen(reader: ByteReader, mod: number, rm: number, segment: SegmentName | undefined): FormAddress {
  let [base, index]: readonly [number, number] = SIXTEEN[rm]!;
  let displacement = 0;
  if (mod === 0 && rm === 6) {
    base = -1;
    displacement = reader.signedNumber(2);
  } else if (mod === 1) displacement = reader.signedNumber(1);
  else if (mod === 2) displacement = reader.signedNumber(2);
  if (base === -1 && index !== -1) [base, index] = [index, -1];
  return { base, index, scale: 1, displacement, absolute: undefined, segment: segment ?? defaultSegment(base) };
}

/**
 * The address of a ModRM byte with mod below 3. `extendBase` and `extendIndex` are 8 if REX.B or REX.X is set, else 0; `long` tells
 * whether mod 0, rm 5 is relative to RIP.
 */
export function memoryForm(
  reader: ByteReader,
  modrm: number,
  addressSize: 2 | 4 | 8,
  extendBase: number,
  extendIndex: number,
  long: boolean,
  segment: SegmentName | undefined,
): FormAddress {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (addressSize === 2) return sixteen(reader, mod, rm, segment);
  let base = rm | extendBase;
  let index = -1;
  let scale = 1;
  let absent = mod === 0 && rm === 5;
  if (rm === 4) {
    const sib = reader.u8();
    scale = 1 << (sib >> 6);
    index = ((sib >> 3) & 7) | extendIndex;
    if (index === RSP) index = -1;
    base = (sib & 7) | extendBase;
    absent = mod === 0 && (sib & 7) === 5;
  }
  const displacement = mod === 1 ? reader.signedNumber(1) : mod === 2 || absent ? reader.signedNumber(4) : 0;
  if (absent) base = rm === 5 && long ? RIP : -1;
  return { base, index, scale, displacement, absolute: undefined, segment: segment ?? defaultSegment(base) };
}
