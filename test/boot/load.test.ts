import { describe, expect, it } from 'vitest';
import { type GuestImage, loadGuest } from '../../src/boot/load.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { ramRanges } from '../../src/memory/map.ts';
import { bzImageFile } from './support/bzimage-file.ts';
import { COUNTING, elfFile, LINUX_SEGMENT, pvhNote } from './support/elf-file.ts';
import { guestOf, MIB, memoryOf, refusal, TestFile } from './support/guest.ts';

const linux = () => elfFile({ entry: 0x10_0000, segments: [LINUX_SEGMENT] });
const load = (image: Partial<GuestImage> = {}) =>
  loadGuest({ memory: guestOf(16), kernel: linux(), commandLine: 'console=ttyS0', cpus: 2, ...image });
const initrd = () => new TestFile('initrd', new Uint8Array(5000).fill(0xab));

describe('loadGuest', () => {
  it('boots an ELF kernel by the Linux protocol', () => {
    const memory = guestOf(16);
    const guest = load({ memory, initrd: initrd() });
    expect(guest).toMatchObject({ format: 'elf64', rsdp: 0xf_0000, kernelRange: { start: 0x10_0000, end: 0x10_4000 } });
    expect(guest.entry.registers).toMatchObject({ rip: 0x10_0000n, rsi: 0x7000n });
    expect(memory.u8(0x10_00ff)).toBe(0xff);
    expect(memory.u32(0x7000 + 0x202)).toBe(0x5372_6448);
    expect(memory.u32(0x7000 + 0x218)).toBe(16 * MIB - 8192);
    expect(memory.u32(0x7000 + 0x21c)).toBe(5000);
    expect(memory.u8(16 * MIB - 8192 + 4999)).toBe(0xab);
    expect(Buffer.from(memory.bytes(memory.u32(0x7000 + 0x228), 14)).toString()).toBe('console=ttyS0\0');
    expect(memory.u64(0x9000)).toBe(0xa003n);
    expect(memory.u32(0x6000)).toBe(0);
  });

  it('boots a 32-bit kernel without page tables', () => {
    const memory = guestOf(16);
    const guest = load({ memory, kernel: elfFile({ bits: 32 }) });
    expect(guest.format).toBe('elf32');
    expect(guest.entry).toMatchObject({ efer: 0n, registers: { rip: 0x10_0000n, rsi: 0x7000n } });
    expect(memory.u64(0x9000)).toBe(0n);
  });

  it('boots by PVH where a note says so', () => {
    const memory = guestOf(16);
    const kernel = elfFile({ segments: [{ physical: 0x10_0000, contents: COUNTING }, pvhNote(0x10_0040)] });
    const guest = load({ memory, kernel, initrd: initrd() });
    expect(guest).toMatchObject({ format: 'pvh', entry: { registers: { rip: 0x10_0040n, rbx: 0x6000n }, efer: 0n } });
    expect(memory.u32(0x6000)).toBe(0x336e_c578);
    expect(memory.u64(Number(memory.u64(0x6010)))).toBe(BigInt(16 * MIB - 8192));
    expect(memory.u32(0x7202)).toBe(0);
  });

  it('boots a bzImage by either entry', () => {
    const memory = guestOf(16);
    const guest = load({ memory, kernel: bzImageFile({ prefAddress: 0x20_0000n }) });
    expect(guest).toMatchObject({ format: 'bzimage64', kernelRange: { start: 0x20_0000, end: 0x30_0000 } });
    expect(guest.entry.registers).toMatchObject({ rip: 0x20_0200n, rsi: 0x7000n });
    expect(memory.u32(0x7214)).toBe(0x20_0000);
    expect(memory.u16(0x7206)).toBe(0x20f);
    expect(memory.u8(0x7000)).toBe(0);
    const old = load({ kernel: bzImageFile({ xloadflags: 0 }) });
    expect(old).toMatchObject({ format: 'bzimage32', entry: { efer: 0n, registers: { rip: 0x10_0000n } } });
  });

  it('writes ACPI and MP tables for all', () => {
    const memory = guestOf(16);
    load({ memory, cpus: 4 });
    expect(memory.u64(0xf_0000)).toBe(0x2052_5450_2044_5352n);
    expect(memory.u32(0xf_e000)).toBe(0x5f50_4d5f);
    expect(memory.u64(0x7070)).toBe(0xf_0000n);
  });

  it('puts an initrd that is too large for below 4 GiB above it, where a bzImage allows', () => {
    const memory = memoryOf([0, 4 * MIB], [0x1_0000_0000, 16 * MIB]);
    const large = new TestFile('initrd', new Uint8Array(8 * MIB).fill(1));
    const guest = load({ memory, kernel: bzImageFile(), initrd: large });
    expect(guest.initrdRange?.start).toBe(0x1_0080_0000);
    expect([memory.u32(0x7218), memory.u32(0x70c0)]).toEqual([0x80_0000, 1]);
    expect(memory.u8(0x1_00ff_ffff)).toBe(1);
  });

  it('respects how high a kernel takes its initrd', () => {
    const kernel = () => bzImageFile({ initrdMax: 0x7f_ffff, xloadflags: 1 });
    expect(load({ kernel: kernel(), initrd: initrd() }).initrdRange).toEqual({ start: 0x7f_e000, end: 0x7f_f388 });
  });

  it('tells what it did', () => {
    const { summary } = load({ initrd: initrd() });
    expect(summary).toEqual([
      'vmlinux: 64-bit ELF kernel, Linux boot protocol, 0x100000 to 0x104000, entered at 0x100000',
      'initrd: initrd of 5000 bytes at 0xffe000',
      '16 MiB of memory, 2 CPUs, ACPI tables at 0xf0000',
      'command line: console=ttyS0',
    ]);
  });

  it('tells RAM apart from the PCI hole in the map of a large guest', () => {
    expect(ramRanges(5120 * MIB)).toEqual([
      { gpa: 0, length: 0xc000_0000 },
      { gpa: 0x1_0000_0000, length: 0x8000_0000 },
    ]);
  });

  const refused: readonly [string, Partial<GuestImage>, RegExp][] = [
    [
      'an empty file',
      { kernel: new TestFile('k', new Uint8Array(0)) },
      /^k is not a kernel but an empty file\. Give a vmlinux/,
    ],
    [
      'a gzip file',
      { kernel: new TestFile('k.gz', Uint8Array.of(0x1f, 0x8b, 8)) },
      /^k\.gz is not a kernel but a gzip file\. Decompress it first: gunzip k\.gz\.$/,
    ],
    [
      'four bytes of ELF',
      { kernel: new TestFile('k', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46)) },
      /an ELF file that is cut short/,
    ],
    ['an ARM64 ELF', { kernel: elfFile({ machine: 183 }) }, /an ELF file for an ARM64 processor/],
    ['a long command line', { commandLine: 'x'.repeat(2048) }, /is 2048 bytes long, but vmlinux takes at most 2047\./],
    [
      'a long command line for an old kernel',
      { kernel: bzImageFile({ cmdlineSize: 255 }), commandLine: 'x'.repeat(256) },
      /is 256 bytes long, but bzImage takes at most 255/,
    ],
    [
      'an initrd that is too large',
      { initrd: new TestFile('i', new Uint8Array(15 * MIB)) },
      /^The initrd i has 15360 KiB/,
    ],
    ['no processor', { cpus: 0 }, /^0 CPUs cannot be had\. Use 1 to 32\.$/],
    ['33 processors', { cpus: 33 }, /^33 CPUs cannot be had/],
  ];
  for (const [what, image, sentence] of refused) {
    it(`refuses ${what} before it writes a byte`, () => {
      const memory = new GuestMemory([{ gpa: 0, bytes: new Uint8Array(16 * MIB) }]);
      expect(refusal(() => load({ memory, ...image }))).toMatch(sentence);
      expect(Buffer.from(memory.bytes(0, 16 * MIB).buffer).equals(Buffer.alloc(16 * MIB))).toBe(true);
    });
  }
});
