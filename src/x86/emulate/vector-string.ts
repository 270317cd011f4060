/** PCMPISTRI, PCMPISTRM, PCMPESTRI, PCMPESTRM: string compares on 16 bytes (Intel SDM volume 2, 4.1), which glibc's strspn uses. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { OSZAPC } from './flags.ts';
import { type Row, row } from './row.ts';
import type { NumberLane, Vec } from './vec.ts';

const TYPES: readonly NumberLane[] = ['u8', 'u16', 'i8', 'i16'];

/** Elements before the terminating zero. */
function implicitLength(from: Vec, type: NumberLane, count: number): number {
  for (let i = 0; i < count; i++) if (from[type][i] === 0) return i;
  return count;
}

/** The magnitude of a length register, at most all elements. */
function explicitLength(x: Execution, register: number, count: number): number {
  const bits = x.form.w ? 64 : 32;
  const value = BigInt.asIntN(bits, x.general(register, bits / 8));
  const magnitude = value < 0n ? -value : value;
  return magnitude > BigInt(count) ? count : Number(magnitude);
}

interface Strings {
  /** The first operand: a set, ranges, a string or a needle; and its length. */
  readonly a: ArrayLike<number>;
  readonly first: number;
  readonly b: ArrayLike<number>;
  readonly second: number;
  readonly count: number;
}

/** The four aggregations, as one result bit for element j of the second operand. */
const AGGREGATIONS: readonly ((s: Strings, j: number) => boolean)[] = [
  function equalAny({ a, first, b, second }, j) {
    if (j >= second) return false;
    for (let i = 0; i < first; i++) if (a[i] === b[j]) return true;
    return false;
  },
  function ranges({ a, first, b, second }, j) {
    if (j >= second) return false;
    for (let i = 0; i + 1 < first; i += 2) if (b[j]! >= a[i]! && b[j]! <= a[i + 1]!) return true;
    return false;
  },
  function equalEach({ a, first, b, second }, j) {
    if (j < first && j < second) return a[j] === b[j];
    return j >= first && j >= second;
  },
  function equalOrdered({ a, first, b, second, count }, j) {
    for (let i = 0; i < first && i + j < count; i++) if (i + j >= second || a[i] !== b[i + j]) return false;
    return true;
  },
];

function compare(explicit: boolean, mask: boolean): (x: Execution) => void {
  return x => {
    const control = x.byte(2);
    const type = TYPES[control & 3]!;
    const count = control & 1 ? 8 : 16;
    x.load(0, x.a);
    x.load(1, x.b);
    const first = explicit ? explicitLength(x, 0, count) : implicitLength(x.a, type, count);
    const second = explicit ? explicitLength(x, 2, count) : implicitLength(x.b, type, count);
    const strings: Strings = { a: x.a[type], first, b: x.b[type], second, count };
    const holds = AGGREGATIONS[(control >> 2) & 3]!;
    let result = 0;
    for (let j = 0; j < count; j++) {
      // Polarity: negated everywhere, or only where the second operand has elements.
      const negate = (control & 0x10) !== 0 && ((control & 0x20) === 0 || j < second);
      if (holds(strings, j) !== negate) result |= 1 << j;
    }
    const { CF, ZF, SF, OF } = FLAG;
    const flags = (result ? CF : 0) | (second < count ? ZF : 0) | (first < count ? SF : 0) | (result & 1 ? OF : 0);
    x.setFlags(OSZAPC, flags);
    if (mask) storeMask(x, result, count, (control & 0x40) !== 0);
    else x.setGeneral(1, 4, BigInt(index(result, count, (control & 0x40) !== 0)));
  };
}

/** The lowest or highest set bit, or the number of elements. */
function index(result: number, count: number, highest: boolean): number {
  if (result === 0) return count;
  return highest ? 31 - Math.clz32(result) : 31 - Math.clz32(result & -result);
}

/** The mask in XMM0, as bits or widened to elements. */
function storeMask(x: Execution, result: number, count: number, widen: boolean): void {
  x.out.clear();
  if (!widen) x.out.u16[0] = result;
  else {
    const out = count === 8 ? x.out.i16 : x.out.i8;
    for (let i = 0; i < count; i++) out[i] = (result >> i) & 1 ? -1 : 0;
  }
  if (x.form.row.vex) x.fpu.writeAll(0, x.out, 16);
  else x.fpu.writeLow(0, x.out);
}

/** `Wu`: unlike other SSE instructions these take unaligned memory. */
const both = (opcode: string, name: string, explicit: boolean, mask: boolean): Row[] => [
  row(`66.0F3A ${opcode}`, name, 'Vdq Wu Ib', compare(explicit, mask), { feature: 'sse4_2', flags: 'OSZAPC' }),
  row(`66.0F3A ${opcode}`, `v${name}`, 'Vdq Wu Ib', compare(explicit, mask), {
    vex: true,
    l: 0,
    feature: 'avx',
    flags: 'OSZAPC',
    manual: name.toUpperCase(),
  }),
];

export const rows: readonly Row[] = [
  ...both('60', 'pcmpestrm', true, true),
  ...both('61', 'pcmpestri', true, false),
  ...both('62', 'pcmpistrm', false, true),
  ...both('63', 'pcmpistri', false, false),
];
