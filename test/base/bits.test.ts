import { describe, expect, it } from 'vitest';
import { alignDown, alignUp, allOnes, hex, isPowerOfTwo, readLe, writeLe } from '../../src/base/bits.ts';

describe('bits', () => {
  it('aligns addresses beyond 32 bits', () => {
    expect(alignUp(2 ** 40 + 1, 4096)).toBe(2 ** 40 + 4096);
    expect(alignDown(2 ** 40 + 4095, 4096)).toBe(2 ** 40);
  });

  it('knows powers of two', () => {
    expect([1, 2, 1024, 2 ** 40].every(isPowerOfTwo)).toBe(true);
    expect([0, -2, 3, 1.5, 1023].some(isPowerOfTwo)).toBe(false);
  });

  it('reads back what it writes, unsigned, in every width', () => {
    const memory = new Uint8Array(8);
    for (const width of [1, 2, 4] as const) {
      writeLe(memory, 1, width, 0xfedcba98);
      expect(readLe(memory, 1, width)).toBe((0xfedcba98 & allOnes(width)) >>> 0);
    }
  });

  it('prints hexadecimal', () => {
    expect(hex(255, 4)).toBe('0x00ff');
    expect(hex(2n ** 40n)).toBe('0x10000000000');
  });
});
