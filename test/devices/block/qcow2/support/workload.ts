/**
 * Random requests, several at a time, on a disk and on plain bytes that say what the disk must hold. Requests that are under way
 * together share clusters but no sectors, as a driver's would.
 */
import { expect } from 'vitest';
import type { Qcow2 } from '../../../../../src/devices/block/qcow2/qcow2.ts';
import type { Random } from '../../../random.ts';

const SECTOR = 512;

export interface WorkloadOptions {
  readonly rounds: number;
  /** Longest request in bytes. */
  readonly most: number;
  /** Also zeroes and discards. */
  readonly zeroes: boolean;
  /** Bytes of the disk that are touched: [from, to). All of it unless given. */
  readonly from?: number;
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** `model` holds the disk's bytes from `from` on. */
export async function work(disk: Qcow2, model: Uint8Array, random: Random, options: WorkloadOptions): Promise<void> {
  const from = options.from ?? 0;
  for (let round = 0; round < options.rounds; round++) {
    const taken: Range[] = [];
    const running: Promise<void>[] = [];
    for (let i = 0; i < 6; i++) {
      const range = rangeIn(model.length, random, options.most);
      if (taken.some(other => range.from < other.to && other.from < range.to)) continue;
      taken.push(range);
      running.push(one(disk, model, random, range, from, options.zeroes));
    }
    if (random.below(6) === 0) running.push(disk.flush());
    await Promise.all(running);
  }
}

export function rangeIn(size: number, random: Random, most: number): Range {
  const sectors = 1 + random.below(Math.min(random.pick([1, 8, 64, most / SECTOR]), size / SECTOR));
  const from = random.below(size / SECTOR - sectors + 1) * SECTOR;
  return { from, to: from + sectors * SECTOR };
}

async function one(
  disk: Qcow2,
  model: Uint8Array,
  random: Random,
  range: Range,
  base: number,
  zeroes: boolean,
): Promise<void> {
  const length = range.to - range.from;
  const expected = model.subarray(range.from, range.to);
  const kind = random.below(zeroes ? 20 : 16);
  if (kind < 8) {
    const bytes = new Uint8Array(length).fill(random.below(256));
    bytes.set(random.bytes(Math.min(64, length)), random.below(Math.max(1, length - 64)));
    expected.set(bytes);
    await disk.write(base + range.from, random.cut(bytes, length), random.below(10) === 0);
  } else if (kind < 16) {
    const before = expected.slice();
    const bytes = new Uint8Array(length).fill(0xee);
    expect(await disk.read(base + range.from, random.cut(bytes, length))).toBe(length);
    expect(Buffer.compare(bytes, before)).toBe(0);
  } else if (kind < 18) {
    expected.fill(0);
    await disk.writeZeroes(base + range.from, length, random.below(2) === 0);
  } else {
    await disk.discard(base + range.from, length);
    const bytes = new Uint8Array(length);
    await disk.read(base + range.from, [bytes]);
    for (let at = 0; at < length; at += SECTOR) {
      const sector = bytes.subarray(at, at + SECTOR);
      // A sector that was discarded keeps its bytes or is zero.
      if (sector.some(byte => byte !== 0)) expect(Buffer.compare(sector, expected.subarray(at, at + SECTOR))).toBe(0);
    }
    expected.set(bytes);
  }
}
