/** Segment descriptors in the GDT and LDT (Intel SDM volume 3, 3.4.5), and loading them into segment registers. */
import { linearOf } from '../linear.ts';
import { isLongMode } from '../mode.ts';
import { type SegmentState, segmentAt } from '../system-registers.ts';
import type { Execution } from './execution.ts';
import { CpuFault, VECTOR } from './fault.ts';

export interface Descriptor {
  readonly selector: number;
  readonly base: bigint;
  /** In bytes, granularity applied. */
  readonly limit: number;
  readonly type: number;
  readonly s: number;
  readonly dpl: number;
  readonly present: number;
  readonly avl: number;
  readonly l: number;
  readonly db: number;
  readonly g: number;
  /** Linear address of its 8 bytes. */
  readonly at: bigint;
}

const LDT = 4;
const ACCESSED = 1;

/** The table entry that a selector names, or undefined if it lies beyond the table's limit. */
export function descriptorOf(x: Execution, selector: number): Descriptor | undefined {
  const offset = selector & 0xfff8;
  const { system } = x.cpu;
  const table = selector & LDT ? segmentAt(x.cpu.backing.system, 'ldt') : undefined;
  const limit = table ? table.limit : system.gdtLimit;
  if (offset + 7 > limit || table?.unusable) return undefined;
  const at = (table ? table.base : system.gdtBase) + BigInt(offset);
  const bytes = new Uint8Array(8);
  x.memory.read(linearOf(BigInt.asUintN(64, at)), bytes, true);
  const view = new DataView(bytes.buffer);
  const [low, high] = [view.getUint32(0, true), view.getUint32(4, true)];
  const g = (high >>> 23) & 1;
  const raw = (low & 0xffff) | (high & 0xf_0000);
  return {
    selector,
    base: BigInt(((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0),
    limit: g ? ((raw << 12) | 0xfff) >>> 0 : raw,
    type: (high >>> 8) & 15,
    s: (high >>> 12) & 1,
    dpl: (high >>> 13) & 3,
    present: (high >>> 15) & 1,
    avl: (high >>> 20) & 1,
    l: (high >>> 21) & 1,
    db: (high >>> 22) & 1,
    g,
    at: BigInt.asUintN(64, at),
  };
}

/** Sets the accessed bit in the table, as the CPU does when it loads a code or data segment. */
export function markAccessed(x: Execution, descriptor: Descriptor): void {
  if (!descriptor.s || descriptor.type & ACCESSED) return;
  const at = linearOf(descriptor.at + 5n);
  const byte = new Uint8Array(1);
  x.memory.read(at, byte, true);
  byte[0]! |= ACCESSED;
  x.memory.write(at, byte, true);
}

/** Copies a descriptor into a segment register. `selector` carries the RPL that the register shall have. */
export function loadSegment(x: Execution, segment: SegmentState, descriptor: Descriptor, selector: number): void {
  const { base, limit, s, dpl, present, avl, l, db, g } = descriptor;
  const type = s ? descriptor.type | ACCESSED : descriptor.type;
  Object.assign(segment, { base, limit, selector, type, s, dpl, present, avl, l, db, g, unusable: 0 });
  x.cpu.changed.system = true;
}

/** A segment register that holds no segment; `dpl` matters for SS in 64-bit mode. */
export function clearSegment(x: Execution, segment: SegmentState, selector: number, dpl = 0): void {
  const keep = isLongMode(x.cpu) ? segment.base : 0n;
  Object.assign(segment, {
    base: keep,
    limit: 0,
    selector,
    type: 0,
    s: 0,
    dpl,
    present: 0,
    l: 0,
    db: 0,
    g: 0,
    unusable: 1,
  });
  x.cpu.changed.system = true;
}

/** The flat segments that SYSCALL and SYSRET load without looking at any table (SDM volume 2, SYSCALL). */
export function flatCode(x: Execution, selector: number, dpl: number, long: boolean): void {
  const { cs } = x.cpu.segments;
  const flat = { base: 0n, limit: 0xffff_ffff, s: 1, present: 1, g: 1, avl: 0, unusable: 0 };
  Object.assign(cs, { ...flat, selector, dpl, type: 11, l: long ? 1 : 0, db: long ? 0 : 1 });
  x.cpu.changed.system = true;
}

export function flatStack(x: Execution, selector: number, dpl: number): void {
  const flat = { base: 0n, limit: 0xffff_ffff, s: 1, present: 1, g: 1, avl: 0, l: 0, unusable: 0 };
  Object.assign(x.cpu.segments.ss, { ...flat, selector, dpl, type: 3, db: 1 });
  x.cpu.changed.system = true;
}

export function notPresent(selector: number): never {
  throw new CpuFault(VECTOR.NP, selector & 0xfffc);
}
