import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/base/bits.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { PhysicalMemory } from '../../src/x86/physical.ts';

describe('physical memory', () => {
  it('is read to the last word of a mapping of 2 GiB, the longest there is', () => {
    const bytes = new Uint8Array(2 * GiB);
    bytes.set([0x78, 0x56, 0x34, 0xf2], 2 * GiB - 4);
    const memory = new PhysicalMemory(new GuestMemory([{ gpa: 0, bytes }]).regions);
    expect(memory.word(2 * GiB - 4)).toBe(0xf2345678);
    expect(memory.word(2 * GiB - 3)).toBe(-1);
  });
});
