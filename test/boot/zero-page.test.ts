import { describe, expect, it } from 'vitest';
import { bootParams, elfSetupHeader, SETUP_HEADER, writeZeroPage } from '../../src/boot/zero-page.ts';
import { ZERO_PAGE } from '../../src/memory/map.ts';
import { guestOf, MIB, memoryOf } from './support/guest.ts';

function write(input: Partial<Parameters<typeof writeZeroPage>[0]> = {}) {
  const memory = input.memory ?? guestOf(16);
  memory.bytes(ZERO_PAGE, 4096).fill(0xcc);
  writeZeroPage({ memory, setupHeader: elfSetupHeader(2047), initrd: undefined, rsdp: 0xf_0000, ...input });
  const page = memory.bytes(ZERO_PAGE, 4096);
  return { page, view: new DataView(page.buffer, page.byteOffset, 4096), params: bootParams.over(page) };
}

describe('the zero page', () => {
  // Offsets stand here once more as numbers, from Linux, Documentation/arch/x86/zero-page.rst and boot.rst.
  it('has what a boot loader has to fill in at the offsets of the document', () => {
    const { view } = write();
    expect(view.getUint8(0x210)).toBe(0xff);
    expect(view.getUint32(0x228, true)).toBe(0x2_0000);
    expect(view.getUint32(0x0c8, true)).toBe(0);
    expect(view.getBigUint64(0x070, true)).toBe(0xf_0000n);
    expect(view.getUint32(0x202, true)).toBe(0x5372_6448);
    expect(view.getUint16(0x206, true)).toBe(0x20c);
    expect(view.getUint16(0x1fe, true)).toBe(0xaa55);
    expect(view.getUint32(0x238, true)).toBe(2047);
  });

  it('has no screen, no sentinel and no initrd unless there is one', () => {
    const { view, page } = write();
    expect([view.getUint8(0x00f), view.getUint8(0x1ef)]).toEqual([0, 0]);
    expect([view.getUint32(0x218, true), view.getUint32(0x21c, true)]).toEqual([0, 0]);
    expect(page.subarray(0x2d0 + 128 * 20).every(byte => byte === 0)).toBe(true);
  });

  it('says where the initrd is, above 4 GiB in two halves', () => {
    const low = write({ initrd: { start: 0xf0_0000, end: 0xf0_0123 } }).view;
    expect([0x218, 0x21c, 0x0c0, 0x0c4].map(at => low.getUint32(at, true))).toEqual([0xf0_0000, 0x123, 0, 0]);
    const high = write({ initrd: { start: 0x1_2345_6000, end: 0x2_3456_7001 } }).view;
    expect([0x218, 0x21c, 0x0c0, 0x0c4].map(at => high.getUint32(at, true))).toEqual([0x2345_6000, 0x1111_1001, 1, 1]);
  });

  it('carries the memory map in entries of 20 bytes', () => {
    const { view } = write({ memory: memoryOf([0, 16 * MIB], [0x1_0000_0000, 4 * MIB]) });
    expect(view.getUint8(0x1e8)).toBe(6);
    const entry = (i: number) => [
      view.getBigUint64(0x2d0 + 20 * i, true),
      view.getBigUint64(0x2d8 + 20 * i, true),
      view.getUint32(0x2e0 + 20 * i, true),
    ];
    expect(entry(0)).toEqual([0n, 0x9_fc00n, 1]);
    expect(entry(3)).toEqual([0x10_0000n, 0xf0_0000n, 1]);
    expect(entry(5)).toEqual([0x1_0000_0000n, 0x40_0000n, 1]);
  });

  it('counts memory above 1 MiB in KiB for those who distrust the map', () => {
    expect(write().view.getUint32(0x1e0, true)).toBe(15 * 1024);
    expect(write().view.getUint16(0x002, true)).toBe(15 * 1024);
    expect(write({ memory: guestOf(128) }).view.getUint16(0x002, true)).toBe(0xfc00);
  });

  it('copies a setup header to 0x1f1 and nothing beyond 0x290', () => {
    const setupHeader = new Uint8Array(500).fill(0x77);
    const { page } = write({ setupHeader, code32Start: 0x100_0000 });
    expect([page[0x1f1], page[0x28f], page[0x290], page[0x1f0]]).toEqual([0x77, 0x77, 0, 0]);
    expect(bootParams.over(page).code32Start).toBe(0x100_0000);
    expect(page[SETUP_HEADER]).toBe(0x77);
  });
});
