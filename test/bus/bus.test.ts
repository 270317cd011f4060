import { describe, expect, it } from 'vitest';
import { Bus, type BusAccess } from '../../src/bus/bus.ts';
import { describeRegister } from '../../src/bus/register-block.ts';
import { Recorder } from './recorder.ts';

function board() {
  const bus = new Bus('mmio');
  const low = new Recorder('low', 16);
  const next = new Recorder('next', 8);
  const far = new Recorder('far', 16);
  bus.claim(0x2000, 16, far);
  bus.claim(0x1000, 16, low);
  bus.claim(0x1010, 8, next);
  return { bus, low, next, far };
}

describe('Bus', () => {
  it('finds the block and the offset at any place of a range, in any order', () => {
    const { bus, low, next, far } = board();
    bus.write(0x1004, 4, 0xdead_beef);
    bus.write(0x1017, 1, 0x7);
    bus.write(0x200e, 2, 0x1234);
    expect(bus.read(0x1004, 4)).toBe(0xdead_beef);
    expect([low.accesses, next.accesses, far.accesses]).toEqual([
      ['write 4 4 deadbeef', 'read 4 4'],
      ['write 7 1 7'],
      ['write 14 2 1234'],
    ]);
  });

  it('reads all ones where nobody answers and swallows writes', () => {
    const { bus } = board();
    bus.write(0x5000, 4, 1);
    expect([bus.read(0x0fff, 1), bus.read(0x1018, 2), bus.read(0x5000, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect(bus.read64(0x5000)).toBe(0xffff_ffff_ffff_ffffn);
  });

  it('splits eight bytes into two words, low half first', () => {
    const { bus, low } = board();
    bus.write64(0x1000, 0x1122_3344_5566_7788n);
    expect(bus.read64(0x1000)).toBe(0x1122_3344_5566_7788n);
    expect(low.accesses).toEqual(['write 0 4 55667788', 'write 4 4 11223344', 'read 0 4', 'read 4 4']);
  });

  it('splits what straddles the end of a claim into bytes, for the neighbour or for nobody', () => {
    const { bus, low, next } = board();
    bus.write(0x100e, 4, 0x4433_2211);
    expect(low.accesses).toEqual(['write 14 1 11', 'write 15 1 22']);
    expect(next.accesses).toEqual(['write 0 1 33', 'write 1 1 44']);
    expect(bus.read(0x100e, 4)).toBe(0x4433_2211);
    bus.write(0x1016, 2, 0xabcd);
    expect(bus.read(0x1016, 4)).toBe(0xffff_abcd);
    bus.write(0x0ffe, 4, 0x99aa_ffff);
    expect(bus.read(0x0ffe, 4)).toBe(0x99aa_ffff);
  });

  it('carries 1 to 8 bytes of a run page, also the odd lengths', () => {
    const { bus, low } = board();
    for (let length = 1; length <= 8; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => length * 16 + i);
      bus.writeBytes(0x1000, bytes);
      const back = new Uint8Array(length);
      bus.readBytes(0x1000, back);
      expect(back).toEqual(bytes);
    }
    expect(low.accesses).toContain('write 4 2 7574');
    expect(low.accesses).toContain('write 6 1 76');
  });

  it('asks providers where no claim matches, and a claim wins', () => {
    const { bus, low } = board();
    const moving = new Recorder('moving', 32);
    let base = 0x3000;
    bus.addProvider({
      resolve: a => (a >= base && a < base + 32 ? { block: moving, offset: a - base, room: base + 32 - a } : undefined),
    });
    bus.write(0x3004, 4, 5);
    base = 0x0ff0;
    bus.write(0x0ff4, 4, 6);
    bus.write(0x1000, 4, 7);
    expect(bus.read(0x3004, 4)).toBe(0xffff_ffff);
    expect(moving.accesses).toEqual(['write 4 4 5', 'write 4 4 6']);
    expect(low.accesses).toEqual(['write 0 4 7']);
  });

  it('masks what a block returns and what a caller writes', () => {
    const bus = new Bus('io');
    const seen: number[] = [];
    bus.claim(0x10, 4, { name: 'sloppy', read: () => -1, write: (_o, _w, value) => void seen.push(value) });
    expect([bus.read(0x10, 1), bus.read(0x10, 2), bus.read(0x10, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    bus.write(0x10, 1, 0x1ff);
    bus.write(0x10, 4, -1);
    expect(seen).toEqual([0xff, 0xffff_ffff]);
  });

  it('refuses claims that overlap or are impossible, and names both sides', () => {
    const { bus, low } = board();
    expect(() => bus.claim(0x1017, 2, low)).toThrow('low claims mmio 0x1017, which belongs to next');
    expect(() => bus.claim(0x0, 0x10_0000, low)).toThrow(RangeError);
    expect(() => bus.claim(-1, 2, low)).toThrow(RangeError);
    expect(() => bus.claim(0x9000, 0, low)).toThrow(RangeError);
    expect(bus.claims.map(c => c.base)).toEqual([0x1000, 0x1010, 0x2000]);
  });

  it('tells an observer what happened, and nothing once it is gone', () => {
    const { bus, low } = board();
    const seen: BusAccess[] = [];
    bus.observe(access => seen.push(access));
    bus.write(0x1000, 2, 0xfff1);
    bus.read(0x6000, 4);
    bus.write(0x6000, 1, 0x123);
    bus.observe(undefined);
    bus.read(0x1000, 1);
    expect(seen).toEqual([
      { bus: 'mmio', kind: 'write', address: 0x1000, width: 2, value: 0xfff1, block: low, offset: 0 },
      { bus: 'mmio', kind: 'read', address: 0x6000, width: 4, value: 0xffff_ffff, block: undefined, offset: 0 },
      { bus: 'mmio', kind: 'write', address: 0x6000, width: 1, value: 0x23, block: undefined, offset: 0 },
    ]);
    expect([describeRegister(low, 0), describeRegister(low, 9)]).toEqual(['low.first', 'low+0x9']);
  });
});
