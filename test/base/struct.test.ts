import { describe, expect, it } from 'vitest';
import { bytes, i32, struct, u8, u16, u32, u64 } from '../../src/base/struct.ts';

const sample = struct(24, {
  tag: u8(0),
  half: u16(2),
  word: u32(4),
  long: u64(8),
  signed: i32(16),
  tail: bytes(20, 4),
});

describe('struct', () => {
  it('reads and writes little-endian fields at their offsets', () => {
    const { value, bytes: memory } = sample.create();
    Object.assign(value, { tag: 0x11, half: 0x2233, word: 0x44556677, long: 0x8899aabbccddeeffn, signed: -2 });
    value.tail = Uint8Array.of(1, 2, 3, 4);
    expect(Buffer.from(memory).toString('hex')).toBe('1100332277665544ffeeddccbbaa9988feffffff01020304');
    expect({ ...sample.over(memory) }).toMatchObject({
      tag: 0x11,
      half: 0x2233,
      long: 0x8899aabbccddeeffn,
      signed: -2,
    });
  });

  it('works inside a larger buffer and shares its memory', () => {
    const memory = new Uint8Array(64);
    sample.over(memory.subarray(8), 4).word = 0xdeadbeef;
    expect(new DataView(memory.buffer).getUint32(8 + 4 + 4, true)).toBe(0xdeadbeef);
  });

  it('refuses memory that is too short, also at the end of a view of a larger buffer', () => {
    expect(() => sample.over(new Uint8Array(23))).toThrow(RangeError);
    expect(() => sample.over(new Uint8Array(64).subarray(0, 24), 1)).toThrow(RangeError);
  });

  it('refuses a field beyond the structure', () => {
    expect(() => struct(4, { late: u32(1) })).toThrow(/late/);
  });
});
