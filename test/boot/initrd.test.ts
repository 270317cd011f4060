import { describe, expect, it } from 'vitest';
import { type InitrdLimits, loadInitrd, placeInitrd } from '../../src/boot/initrd.ts';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import { guestOf, MIB, memoryOf, refusal, TestFile } from './support/guest.ts';

const GIB4 = 0x1_0000_0000;
const KERNEL = { start: MIB, end: 3 * MIB };

function file(size: number): TestFile {
  const initrd = new TestFile('initrd.gz', Uint8Array.of(1, 2, 3));
  initrd.size = size;
  return initrd;
}

const place = (memory: GuestMemory, size: number, limits: Partial<InitrdLimits> = {}) =>
  placeInitrd(memory, file(size), { max: 0x37ff_ffff, above4G: false, kernel: [KERNEL], ...limits });

describe('an initrd', () => {
  it('ends on the last page of RAM, page aligned', () => {
    expect(place(guestOf(16), 5000)).toEqual({ start: 16 * MIB - 8192, end: 16 * MIB - 8192 + 5000 });
    expect(place(guestOf(16), 4096)).toEqual({ start: 16 * MIB - 4096, end: 16 * MIB });
  });

  it('stays below the highest address that the kernel takes', () => {
    expect(place(guestOf(16), 4096, { max: 8 * MIB - 1 })).toEqual({ start: 8 * MIB - 4096, end: 8 * MIB });
    expect(place(guestOf(16), 4096, { max: 8 * MIB - 2 }).start).toBe(8 * MIB - 8192);
  });

  it('never lies over the kernel, but may lie below it', () => {
    const kernel = [{ start: 8 * MIB + 1, end: 16 * MIB - 5000 }];
    expect(place(guestOf(16), 4096, { kernel }).start).toBe(16 * MIB - 4096);
    expect(place(guestOf(16), 8192, { kernel }).start).toBe(8 * MIB - 8192);
  });

  it('avoids each of the segments', () => {
    const kernel = [
      { start: 2 * MIB, end: 4 * MIB },
      { start: 6 * MIB, end: 15 * MIB },
    ];
    expect(place(guestOf(16), 2 * MIB, { kernel })).toEqual({ start: 4 * MIB, end: 6 * MIB });
  });

  it('goes above 4 GiB only if it must and may', () => {
    const memory = memoryOf([0, 8 * MIB], [GIB4, 16 * MIB]);
    expect(place(memory, 4 * MIB, { above4G: true }).start).toBe(4 * MIB);
    expect(place(memory, 6 * MIB, { above4G: true }).start).toBe(GIB4 + 10 * MIB);
    expect(refusal(() => place(memory, 6 * MIB))).toMatch(/^The initrd initrd\.gz has 6144 KiB, but .* only 5120 KiB/);
  });

  it('may fill what is left to the last byte, and no more', () => {
    expect(place(guestOf(16), 13 * MIB)).toEqual({ start: 3 * MIB, end: 16 * MIB });
    expect(refusal(() => place(guestOf(16), 13 * MIB + 1))).toBe(
      'The initrd initrd.gz has 13313 KiB, but beside the kernel only 13312 KiB are free for it. Give the guest more memory or use a smaller initrd.',
    );
  });

  it('is refused where nothing is left, and where it is empty', () => {
    expect(refusal(() => place(guestOf(4), 500 * MIB, { kernel: [{ start: MIB, end: 4 * MIB }] }))).toMatch(
      /has 512000 KiB, but beside the kernel only 0 KiB/,
    );
    expect(refusal(() => place(guestOf(4), 0))).toBe('The initrd initrd.gz is empty. Give a cpio archive.');
  });

  it('is read to where it was placed', () => {
    const memory = guestOf(4);
    loadInitrd(memory, new TestFile('initrd.gz', Uint8Array.of(1, 2, 3)), { start: 0x30_0000, end: 0x30_0003 });
    expect([...memory.bytes(0x2f_ffff, 5)]).toEqual([0, 1, 2, 3, 0]);
  });
});
