import { describe, expect, it } from 'vitest';
import { bzImageEntry, checkRoom, loadBzImage, runtimeRange } from '../../../src/boot/bzimage/load.ts';
import { parseBzImage } from '../../../src/boot/bzimage/parse.ts';
import { type BzImageSpec, bzImageFile } from '../support/bzimage-file.ts';
import { guestOf, MIB, refusal, TestFile } from '../support/guest.ts';

const open = (spec: BzImageSpec = {}) => {
  const file = bzImageFile(spec);
  return { file, image: parseBzImage(file, file.bytes.subarray(0, 0x8010)) };
};

describe('a bzImage in memory', () => {
  it('is its protected-mode code, and no byte besides', () => {
    const memory = guestOf(4);
    const { file, image } = open({ missing: 5 });
    loadBzImage(memory, file, image);
    const expected = new Uint8Array(4 * MIB);
    expected.set(file.bytes.subarray(3 * 512), 0x10_0000);
    expect(Buffer.compare(memory.bytes(0, 4 * MIB), expected)).toBe(0);
  });

  it('stops where syssize says, whatever a signature appends to the file', () => {
    const memory = guestOf(4);
    const { bytes } = bzImageFile({ syssize: 16 });
    const signed = new TestFile('bzImage', Uint8Array.from([...bytes, ...new Uint8Array(1000).fill(0x55)]));
    loadBzImage(memory, signed, parseBzImage(signed, signed.bytes));
    expect(memory.u8(0x10_00ff)).toBe(0xff);
    expect(memory.bytes(0x10_0100, 4096).every(byte => byte === 0)).toBe(true);
  });

  it('is entered at its start, or 0x200 behind it in 64-bit mode', () => {
    expect(bzImageEntry(open().image)).toBe(0x10_0200);
    expect(bzImageEntry(open({ xloadflags: 0 }).image)).toBe(0x10_0000);
  });

  it('occupies what it unpacks into', () => {
    expect(runtimeRange(open({ initSize: 0x30_0000 }).image)).toEqual({ start: 0x10_0000, end: 0x40_0000 });
    expect(runtimeRange(open({ initSize: 1 }).image)).toEqual({ start: 0x10_0000, end: 0x10_1000 });
  });

  it('is refused where the guest is too small to unpack it', () => {
    const { file, image } = open({ initSize: 0x30_0000 });
    expect(() => checkRoom(guestOf(4), file, image)).not.toThrow();
    const large = open({ initSize: 0x30_0001 });
    expect(refusal(() => checkRoom(guestOf(4), large.file, large.image))).toBe(
      'bzImage needs memory up to 5 MiB to unpack itself, but the guest has 4 MiB. Give the guest more memory, or boot the unpacked vmlinux.',
    );
    const huge = open({ initSize: 0xffff_ffff });
    expect(refusal(() => checkRoom(guestOf(4), huge.file, huge.image))).toMatch(/up to 4097 MiB/);
  });
});
