import { describe, expect, it } from 'vitest';
import { parseElf } from '../../../src/boot/elf/parse.ts';
import { COUNTING, type ElfSpec, elfFile, note, pvhNote } from '../support/elf-file.ts';
import { refusal } from '../support/guest.ts';

const parse = (spec: ElfSpec) => {
  const file = elfFile(spec);
  return parseElf(file, file.bytes.subarray(0, 0x8010));
};

describe('parseElf', () => {
  for (const bits of [64, 32] as const) {
    it(`reads the segments of a ${bits}-bit kernel`, () => {
      const image = parse({
        bits,
        entry: 0x20_0010,
        segments: [
          { physical: 0x10_0000, contents: COUNTING },
          { type: 0x6474_e551 },
          { physical: 0x20_0000, virtual: 0xc020_0000, contents: COUNTING, memorySize: 0x5000 },
          { physical: 0x30_0000, memorySize: 0 },
        ],
      });
      expect(image).toMatchObject({ bits, entry: 0x20_0010n, pvhEntry: undefined });
      expect(image.segments.map(s => [s.index, s.physical, s.fileSize, s.memorySize, s.virtual])).toEqual([
        [0, 0x10_0000, 256, 256, 0x10_0000n],
        [2, 0x20_0000, 256, 0x5000, 0xc020_0000n],
      ]);
    });

    it(`finds the PVH note of a ${bits}-bit kernel`, () => {
      const segments = [{ physical: 0x10_0000, contents: COUNTING }, pvhNote(0x10_0040)];
      expect(parse({ bits, segments }).pvhEntry).toBe(0x10_0040);
    });

    it(`refuses a ${bits}-bit file whose segment ends behind the file`, () => {
      expect(refusal(() => parse({ bits, segments: [{ physical: 0x10_0000, fileSize: 0x1_0000 }] }))).toMatch(
        /^vmlinux is cut short: segment 0 ends at byte \d+, the file at \d+\. Copy the kernel again\.$/,
      );
    });
  }

  it('takes a position-independent kernel that has a PVH note', () => {
    expect(
      parse({ type: 3, segments: [{ physical: 0x10_0000, contents: COUNTING }, pvhNote(0x10_0000)] }).pvhEntry,
    ).toBe(0x10_0000);
  });

  const interpreter = { type: 3, contents: COUNTING };
  const load = { physical: 0x40_0000, contents: COUNTING };
  const tag = { type: 4, contents: note('GNU', 1, new Uint8Array(16)) };
  const refused: readonly [string, ElfSpec, RegExp][] = [
    ['a shared object', { type: 3 }, /^vmlinux is not a kernel but an ELF shared object\. Give/],
    ['a dynamic program', { segments: [load, interpreter] }, /not a kernel but an ordinary program\. /],
    ['a static program', { segments: [load, tag] }, /not a kernel but an ordinary program\. /],
    [
      'a position-independent program',
      { type: 3, segments: [load, interpreter] },
      /an ordinary program or shared object/,
    ],
    ['a kernel module', { type: 1 }, /not a kernel but an ELF object file or kernel module/],
    ['a core dump', { type: 4 }, /not a kernel but a core dump/],
    ['an unknown type', { type: 0xfe00 }, /not a kernel but an ELF file of an unknown type/],
    [
      'an ARM64 kernel',
      { machine: 183 },
      /not a kernel but an ELF file for an ARM64 processor\. Give a kernel built for x86/,
    ],
    ['no program headers', { segments: [] }, /^vmlinux is an ELF file without program headers\./],
    [
      'too many program headers',
      { overrides: { phnum: 257 } },
      /damaged ELF header \(257 program headers of 56 bytes\)/,
    ],
    [
      'program headers of another size',
      { overrides: { phentsize: 32 } },
      /damaged ELF header \(1 program headers of 32/,
    ],
    ['program headers behind the file', { overrides: { phoff: 1000 } }, /program headers end at byte 1056 of 376\. /],
    ['program headers nowhere', { overrides: { phoff: 0xffff_ffff_ffff_fff0n } }, /^vmlinux is cut short: its program/],
    [
      'less memory than file bytes',
      { segments: [{ ...load, memorySize: 16 }] },
      /segment 0 has 0x100 bytes in the file but 0x10/,
    ],
    [
      'a segment at a wild offset',
      { segments: [{ ...load, offset: 0xffff_ffff_ffff_ff00n }] },
      /^vmlinux is cut short: segment 0/,
    ],
    ['nothing to load', { segments: [pvhNote(0)] }, /^vmlinux is an ELF file without anything to load\./],
  ];
  for (const [what, spec, sentence] of refused) {
    it(`refuses ${what}`, () => expect(refusal(() => parse(spec))).toMatch(sentence));
  }

  it('reads no more than a little of notes that claim to be large', () => {
    const file = elfFile({ segments: [load, { type: 4, contents: new Uint8Array(100_000) }, pvhNote(0x40_0000)] });
    expect(parseElf(file, file.bytes.subarray(0, 4096)).pvhEntry).toBe(0x40_0000);
    expect(file.longest).toBeLessThan(65_537);
  });
});
