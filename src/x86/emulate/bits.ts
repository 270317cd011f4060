/** Single bits and bit counts: BT and its kin, scans, POPCNT, LZCNT, TZCNT, BMI1 and BMI2, byte swaps, CRC32, ADX. */
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { undefinedOpcode } from './fault.ts';
import { maskOf, OSZAPC, signOf } from './flags.ts';
import { type Row, row } from './row.ts';

const { CF, ZF, SF, OF } = FLAG;

function bitTest(change: (value: bigint, mask: bigint) => bigint, writes: boolean): (x: Execution) => void {
  return x => {
    const width = x.width(0);
    const bits = BigInt(width * 8);
    const position = x.get(1);
    if (x.isMemory(0) && x.form.operands[1]!.kind === 'general') {
      // A register bit number reaches beyond the operand: signed, in units of the operand size.
      const index = BigInt.asIntN(width * 8, position);
      const unit = index >> (width === 8 ? 6n : width === 4 ? 5n : 4n);
      const mask = 1n << (index & (bits - 1n));
      const address = x.address(width, unit * BigInt(width));
      if (writes) x.memory.checkWrite(address, width);
      const old = x.read(address, width);
      if (writes) x.write(address, width, change(old, mask));
      x.setFlags(CF, old & mask ? CF : 0);
      return;
    }
    const mask = 1n << (position & (bits - 1n));
    if (!writes) {
      x.setFlags(CF, x.get(0) & mask ? CF : 0);
      return;
    }
    x.update(0, old => {
      x.setFlags(CF, old & mask ? CF : 0);
      return change(old, mask);
    });
  };
}

const BIT_TESTS: readonly (readonly [string, string, number, (x: Execution) => void])[] = [
  ['bt', 'A3', 4, bitTest(value => value, false)],
  ['bts', 'AB', 5, bitTest((value, mask) => value | mask, true)],
  ['btr', 'B3', 6, bitTest((value, mask) => value & ~mask, true)],
  ['btc', 'BB', 7, bitTest((value, mask) => value ^ mask, true)],
];

function trailing(value: bigint, width: number): number {
  for (let i = 0; i < width * 8; i++) if ((value >> BigInt(i)) & 1n) return i;
  return width * 8;
}

function leading(value: bigint, width: number): number {
  return width * 8 - (value === 0n ? 0 : value.toString(2).length);
}

function scan(find: (value: bigint, width: number) => number): (x: Execution) => void {
  return x => {
    const value = x.get(1);
    x.setFlags(ZF, value === 0n ? ZF : 0);
    // A zero source leaves the destination, even the upper half of a 32-bit one.
    if (value !== 0n) x.set(0, BigInt(find(value, x.width(1))));
  };
}

function count(find: (value: bigint, width: number) => number): (x: Execution) => void {
  return x => {
    const value = x.get(1);
    const result = find(value, x.width(1));
    x.setFlags(CF | ZF, (value === 0n ? CF : 0) | (result === 0 ? ZF : 0));
    x.set(0, BigInt(result));
  };
}

const popcnt = (x: Execution): void => {
  const value = x.get(1);
  let ones = 0;
  for (let rest = value; rest !== 0n; rest &= rest - 1n) ones++;
  x.setFlags(OSZAPC, value === 0n ? ZF : 0);
  x.set(0, BigInt(ones));
};

function zeroSign(x: Execution, result: bigint, width: number, carry = false): bigint {
  x.setFlags(ZF | SF | OF | CF, (result === 0n ? ZF : 0) | (result & signOf(width) ? SF : 0) | (carry ? CF : 0));
  return result;
}

/** BLSR, BLSMSK, BLSI: on the lowest set bit of operand 1. */
function lowest(change: (value: bigint) => bigint, carryIfZero: boolean): (x: Execution) => void {
  return x => {
    const width = x.width(0);
    const value = x.get(1);
    const result = change(value) & maskOf(width);
    x.set(0, zeroSign(x, result, width, (value === 0n) === carryIfZero));
  };
}

const andn = (x: Execution): void => {
  const width = x.width(0);
  x.set(0, zeroSign(x, ~x.get(1) & x.get(2) & maskOf(width), width));
};

const bextr = (x: Execution): void => {
  const control = Number(x.get(2) & 0xffffn);
  const result = (x.get(1) >> BigInt(control & 0xff)) & ((1n << BigInt(control >> 8)) - 1n);
  x.setFlags(ZF | CF | OF, result === 0n ? ZF : 0);
  x.set(0, result);
};

const bzhi = (x: Execution): void => {
  const width = x.width(0);
  const index = Number(x.get(2) & 0xffn);
  const cut = index < width * 8 ? x.get(1) & ((1n << BigInt(index)) - 1n) : x.get(1);
  x.set(0, zeroSign(x, cut, width, index >= width * 8));
};

const pdep = (x: Execution): void => {
  let [from, result] = [x.get(1), 0n];
  for (let mask = x.get(2); mask !== 0n; mask &= mask - 1n) {
    if (from & 1n) result |= mask & -mask;
    from >>= 1n;
  }
  x.set(0, result);
};

const pext = (x: Execution): void => {
  const from = x.get(1);
  let [result, at] = [0n, 1n];
  for (let mask = x.get(2); mask !== 0n; mask &= mask - 1n) {
    if (from & mask & -mask) result |= at;
    at <<= 1n;
  }
  x.set(0, result);
};

const mulx = (x: Execution): void => {
  const width = x.width(0);
  const product = x.general(2, width) * x.get(2);
  x.set(1, product & maskOf(width));
  x.set(0, product >> BigInt(width * 8));
};

const shiftX = (shift: (value: bigint, by: bigint, width: number) => bigint) => (x: Execution) => {
  const width = x.width(0);
  const by = x.get(2) & BigInt(width * 8 - 1);
  x.set(0, shift(x.get(1), by, width) & maskOf(width));
};

const rorx = (x: Execution): void => {
  const width = x.width(0);
  const by = BigInt(x.byte(2) & (width * 8 - 1));
  const value = x.get(1);
  x.set(0, ((value >> by) | (value << (BigInt(width * 8) - by))) & maskOf(width));
};

function swap(value: bigint, width: number): bigint {
  let result = 0n;
  for (let i = 0; i < width; i++) result = (result << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return result;
}

const bswap = (x: Execution): void => {
  // Undefined for 16 bits, where CPUs give zero.
  x.set(0, x.width(0) === 2 ? 0n : swap(x.get(0), x.width(0)));
};
const movbe = (x: Execution): void => x.set(0, swap(x.get(1), x.width(0)));

/** CRC-32C, polynomial 11EDC6F41, bits reflected. */
const crc32 = (x: Execution): void => {
  let crc = Number(x.get(0) & 0xffff_ffffn);
  let data = x.get(1);
  for (let i = 0; i < x.width(1); i++) {
    crc ^= Number(data & 0xffn);
    data >>= 8n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  x.set(0, BigInt(crc >>> 0));
};

const addCarry = (flag: number) => (x: Execution) => {
  const sum = x.get(0) + x.get(1) + (x.flags & flag ? 1n : 0n);
  x.setFlags(flag, sum > maskOf(x.width(0)) ? flag : 0);
  x.set(0, sum & maskOf(x.width(0)));
};

/** BMI instructions have no meaning with VEX.256. */
const vex = (run: (x: Execution) => void) => (x: Execution) => (x.form.vectorSize === 32 ? undefinedOpcode() : run(x));
const BMI1 = { vex: true, feature: 'bmi1', unit: 'integer' } as const;
const BMI2 = { vex: true, feature: 'bmi2', unit: 'integer' } as const;

export const rows: readonly Row[] = [
  ...BIT_TESTS.flatMap(([name, opcode, digit, run]) => [
    row(`0F ${opcode}`, name, 'Ev Gv', run, { flags: 'osapC', lockable: name !== 'bt' }),
    row(`0F BA /${digit}`, name, 'Ev Ib', run, { flags: 'osapC', lockable: name !== 'bt' }),
  ]),
  row('0F BC', 'bsf', 'Gv Ev', scan(trailing), { flags: 'osZapc' }),
  row(
    '0F BD',
    'bsr',
    'Gv Ev',
    scan((value, width) => width * 8 - 1 - leading(value, width)),
    { flags: 'osZapc' },
  ),
  row('F3.0F BC', 'tzcnt', 'Gv Ev', count(trailing), { flags: 'osZapC', feature: 'bmi1' }),
  row('F3.0F BD', 'lzcnt', 'Gv Ev', count(leading), { flags: 'osZapC', feature: 'abm' }),
  row('F3.0F B8', 'popcnt', 'Gv Ev', popcnt, { flags: 'OSZAPC', feature: 'popcnt' }),
  row('NP.0F38 F2', 'andn', 'Gy By Ey', vex(andn), { ...BMI1, flags: 'OSZapC' }),
  row('NP.0F38 F3 /1', 'blsr', 'By Ey', vex(lowest(v => v & (v - 1n), true)), { ...BMI1, flags: 'OSZapC' }),
  row('NP.0F38 F3 /2', 'blsmsk', 'By Ey', vex(lowest(v => v ^ (v - 1n), true)), { ...BMI1, flags: 'OSZapC' }),
  row('NP.0F38 F3 /3', 'blsi', 'By Ey', vex(lowest(v => v & -v, false)), { ...BMI1, flags: 'OSZapC' }),
  row('NP.0F38 F7', 'bextr', 'Gy Ey By', vex(bextr), { ...BMI1, flags: 'OsZapC' }),
  row('NP.0F38 F5', 'bzhi', 'Gy Ey By', vex(bzhi), { ...BMI2, flags: 'OSZapC' }),
  row('F2.0F38 F5', 'pdep', 'Gy By Ey', vex(pdep), BMI2),
  row('F3.0F38 F5', 'pext', 'Gy By Ey', vex(pext), BMI2),
  row('F2.0F38 F6', 'mulx', 'Gy By Ey', vex(mulx), BMI2),
  row('66.0F38 F7', 'shlx', 'Gy Ey By', vex(shiftX((v, by) => v << by)), { ...BMI2, manual: 'SARX/SHLX/SHRX' }),
  row('F2.0F38 F7', 'shrx', 'Gy Ey By', vex(shiftX((v, by) => v >> by)), { ...BMI2, manual: 'SARX/SHLX/SHRX' }),
  row('F3.0F38 F7', 'sarx', 'Gy Ey By', vex(shiftX((v, by, width) => BigInt.asIntN(width * 8, v) >> by)), {
    ...BMI2,
    manual: 'SARX/SHLX/SHRX',
  }),
  row('F2.0F3A F0', 'rorx', 'Gy Ey Ib', vex(rorx), BMI2),
  row('0F C8', 'bswap', 'Zv', bswap),
  row('0F38 F0', 'movbe', 'Gv Mv', movbe, { feature: 'movbe' }),
  row('0F38 F1', 'movbe', 'Mv Gv', movbe, { feature: 'movbe' }),
  row('F2.0F38 F0', 'crc32', 'Gy Eb', crc32, { feature: 'sse4_2' }),
  row('F2.0F38 F1', 'crc32', 'Gy Ev', crc32, { feature: 'sse4_2' }),
  row('66.0F38 F6', 'adcx', 'Gy Ey', addCarry(CF), { flags: 'C', feature: 'adx' }),
  row('F3.0F38 F6', 'adox', 'Gy Ey', addCarry(OF), { flags: 'O', feature: 'adx' }),
];
