/** Compare-and-exchange, exchange-and-add, and the 8- and 16-byte forms. With LOCK they are atomic in RAM. */

import type { Linear } from '../linear.ts';
import { FLAG } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { generalProtection } from './fault.ts';
import { add, OSZAPC, subtract } from './flags.ts';
import { type Row, row } from './row.ts';

/** What is expected, then what is wanted, low halves first. */
const PAIR = new BigUint64Array(4);
const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3] as const;

const cmpxchg = (x: Execution): void => {
  const width = x.width(0);
  const expected = x.general(RAX, width);
  const wanted = x.get(1);
  let found = 0n;
  if (x.isMemory(0)) {
    // Memory is written in either case (SDM volume 2, CMPXCHG): a fault comes even when nothing changes.
    x.update(0, old => {
      found = old;
      return old === expected ? wanted : old;
    });
  } else {
    // A register stays as it is, with its upper half, unless it is equal.
    found = x.get(0);
    if (found === expected) x.set(0, wanted);
  }
  x.setFlags(OSZAPC, subtract(expected, found, 0n, width).flags);
  if (found !== expected) x.setGeneral(RAX, width, found);
};

const xadd = (x: Execution): void => {
  const width = x.width(0);
  const addend = x.get(1);
  let found = 0n;
  let flags = 0;
  let sum = 0n;
  x.update(0, old => {
    found = old;
    const done = add(old, addend, 0n, width);
    flags = done.flags;
    sum = done.result;
    return done.result;
  });
  x.setFlags(OSZAPC, flags);
  x.set(1, found);
  // XADD of a register with itself leaves the sum there.
  const [first, second] = x.form.operands;
  if (first?.kind === 'general' && second?.kind === 'general') {
    if (first.number === second.number && first.high === second.high) x.set(0, sum);
  }
};

/**
 * Compares the bytes at `address` (which may be written) with `expected` and stores `wanted` if they are equal; returns what was found.
 * In RAM that is one step, for other CPUs too: 8 aligned bytes by JavaScript's own means, 16 by the CPU's owner's.
 */
function compareAndSwap(x: Execution, address: Linear, bytes: Uint8Array, expected: bigint, wanted: bigint): bigint {
  const gpa = x.memory.gpaForWrite(address, bytes.length);
  const place = gpa !== undefined && gpa % bytes.length === 0 ? x.memory.physical.bytes(gpa, bytes.length) : undefined;
  if (place && bytes.length === 8) {
    return Atomics.compareExchange(new BigUint64Array(place.buffer, place.byteOffset, 1), 0, expected, wanted);
  }
  if (place && x.cpu.backing.exchange16) {
    PAIR.set([expected, expected >> 64n, wanted, wanted >> 64n].map(half => BigInt.asUintN(64, half)));
    x.cpu.backing.exchange16(place, PAIR);
    return PAIR[0]! | (PAIR[1]! << 64n);
  }
  x.memory.read(address, bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let found = view.getBigUint64(0, true);
  if (bytes.length === 16) found |= view.getBigUint64(8, true) << 64n;
  const store = found === expected ? wanted : found;
  view.setBigUint64(0, BigInt.asUintN(64, store), true);
  if (bytes.length === 16) view.setBigUint64(8, store >> 64n, true);
  x.memory.write(address, bytes);
  return found;
}

/** CMPXCHG8B (half 4) and CMPXCHG16B (half 8): DX:AX against memory, CX:BX into it. */
function pair(half: 4 | 8): (x: Execution) => void {
  const bits = BigInt(half * 8);
  return x => {
    const length = half * 2;
    const address = x.address(length);
    if (half === 8 && address.lo & 15) generalProtection();
    x.memory.checkWrite(address, length);
    const bytes = x.a.clear().u8.subarray(0, length);
    const expected = (x.general(RDX, half) << bits) | x.general(RAX, half);
    const wanted = (x.general(RCX, half) << bits) | x.general(RBX, half);
    const found = compareAndSwap(x, address, bytes, expected, wanted);
    const equal = found === expected;
    x.setFlags(FLAG.ZF, equal ? FLAG.ZF : 0);
    if (equal) return;
    x.setGeneral(RAX, half, found);
    x.setGeneral(RDX, half, found >> bits);
  };
}

export const rows: readonly Row[] = [
  row('0F B0', 'cmpxchg', 'Eb Gb', cmpxchg, { flags: 'OSZAPC', lockable: true }),
  row('0F B1', 'cmpxchg', 'Ev Gv', cmpxchg, { flags: 'OSZAPC', lockable: true }),
  row('0F C0', 'xadd', 'Eb Gb', xadd, { flags: 'OSZAPC', lockable: true }),
  row('0F C1', 'xadd', 'Ev Gv', xadd, { flags: 'OSZAPC', lockable: true }),
  row('0F C7 /1', 'cmpxchg8b', 'Mq', pair(4), { flags: 'Z', lockable: true, w: 0, manual: 'CMPXCHG8B/CMPXCHG16B' }),
  row('0F C7 /1', 'cmpxchg16b', 'Mdq', pair(8), {
    flags: 'Z',
    lockable: true,
    w: 1,
    feature: 'cx16',
    manual: 'CMPXCHG8B/CMPXCHG16B',
  }),
];
