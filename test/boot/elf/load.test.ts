import { describe, expect, it } from 'vitest';
import {
  checkSegments,
  entryPoint,
  loadSegments,
  looksLikeLinux,
  pvhEntryAddress,
} from '../../../src/boot/elf/load.ts';
import { parseElf } from '../../../src/boot/elf/parse.ts';
import { COUNTING, type ElfSpec, elfFile, LINUX_SEGMENT, type SegmentSpec } from '../support/elf-file.ts';
import { guestOf, MIB, memoryOf, refusal } from '../support/guest.ts';

function open(spec: ElfSpec) {
  const file = elfFile(spec);
  return { file, image: parseElf(file, file.bytes.subarray(0, 0x8010)) };
}

function check(segments: readonly SegmentSpec[], memory = guestOf(4)): void {
  const { file, image } = open({ segments });
  checkSegments(memory, file, image);
}

describe('segments', () => {
  it('are read to their physical addresses, and no byte besides', () => {
    const memory = guestOf(4);
    const { file, image } = open({
      segments: [
        { physical: 0x10_0003, contents: COUNTING },
        { physical: 0x20_0000, contents: COUNTING.slice(0, 100), memorySize: 0x1000 },
      ],
    });
    checkSegments(memory, file, image);
    loadSegments(memory, file, image);
    const expected = new Uint8Array(4 * MIB);
    expected.set(COUNTING, 0x10_0003);
    expected.set(COUNTING.slice(0, 100), 0x20_0000);
    expect(Buffer.compare(memory.bytes(0, 4 * MIB), expected)).toBe(0);
  });

  it('may cross from one mapping of RAM to the next', () => {
    const memory = memoryOf([0, 2 * MIB], [2 * MIB, 2 * MIB]);
    const { file, image } = open({ segments: [{ physical: 2 * MIB - 100, contents: COUNTING }] });
    checkSegments(memory, file, image);
    loadSegments(memory, file, image);
    const back = new Uint8Array(256);
    memory.read(2 * MIB - 100, back);
    expect(back).toEqual(COUNTING);
  });

  it('may lie below 1 MiB where the launcher keeps nothing', () => {
    expect(() => check([{ physical: 0x4_0000, contents: COUNTING }])).not.toThrow();
    expect(() => check([{ physical: 0x1000, contents: COUNTING }])).not.toThrow();
  });

  const one = { physical: 0x10_0000, contents: COUNTING };
  const refused: readonly [string, SegmentSpec[], RegExp][] = [
    [
      'beyond RAM',
      [{ physical: 4 * MIB - 255, contents: COUNTING }],
      /^The guest's 4 MiB of memory do not hold segment 0 of vmlinux \(0x3fff01 to 0x400001\)\. Give/,
    ],
    ['with zeros beyond RAM', [{ ...one, memorySize: 4 * MIB }], /do not hold segment 0/],
    ['at an address of 64 bits', [{ physical: 0xffff_ffff_8100_0000n, contents: COUNTING }], /do not hold segment 0/],
    ['that wraps around', [{ ...one, memorySize: 0xffff_ffff_ffff_ffffn }], /do not hold segment 0/],
    [
      'over another',
      [one, { physical: 0x10_00ff, contents: COUNTING }],
      /^Segment 1 of vmlinux .* overlaps segment 0\./,
    ],
    [
      'over the zeros of another',
      [
        { ...one, memorySize: 0x2000 },
        { physical: 0x10_1000, contents: COUNTING },
      ],
      /overlaps segment 0/,
    ],
    [
      'over the zero page',
      [{ physical: 0x7f80, contents: COUNTING }],
      /^Segment 0 .* would overwrite the zero page\. Link the kernel at 0x100000 or above\./,
    ],
    ['over the page tables', [{ physical: 0x9000, contents: COUNTING }], /overwrite the boot page tables/],
    ['over the command line', [{ physical: 0x2_0000, contents: COUNTING }], /overwrite the kernel command line/],
    ['over the descriptor table', [{ physical: 0x500, contents: COUNTING }], /overwrite the boot descriptor table/],
    ['over the BIOS data area', [{ physical: 0x380, contents: COUNTING }], /overwrite the BIOS data area/],
    ['over the start information', [{ physical: 0x6000, contents: COUNTING }], /overwrite the PVH start information/],
    ['over the ACPI tables', [{ physical: 0xf_0000, contents: COUNTING }], /overwrite the BIOS area/],
  ];
  for (const [what, segments, sentence] of refused) {
    it(`are refused ${what}`, () => expect(refusal(() => check(segments))).toMatch(sentence));
  }
});

describe('the entry point', () => {
  const at = (spec: ElfSpec) => {
    const { file, image } = open(spec);
    return entryPoint(file, image);
  };

  it('is taken as physical where a segment is at that address', () => {
    expect(at({ entry: 0x10_0200, segments: [LINUX_SEGMENT] })).toBe(0x10_0200);
  });

  it('is translated where it is virtual', () => {
    expect(at({ entry: 0xffff_ffff_8010_0200n, segments: [LINUX_SEGMENT] })).toBe(0x10_0200);
  });

  it('is refused outside of every segment and above 4 GiB', () => {
    expect(refusal(() => at({ entry: 0x20_0000, segments: [LINUX_SEGMENT] }))).toBe(
      'The entry point 0x200000 of vmlinux lies in none of its segments. Build the kernel again.',
    );
    expect(refusal(() => at({ segments: [{ physical: 0x1_0000_0000, contents: COUNTING }] }))).toMatch(
      /^The entry point of vmlinux is at 0x100000000, above 4 GiB\./,
    );
  });

  it('of a PVH note is checked like the other', () => {
    const { file, image } = open({});
    expect(pvhEntryAddress(file, image, 0x10_0010)).toBe(0x10_0010);
    expect(refusal(() => pvhEntryAddress(file, image, 0x10_0100))).toMatch(
      /^The PVH entry point 0x100100 of vmlinux lies/,
    );
  });
});

describe('looksLikeLinux', () => {
  const looks = (spec: ElfSpec) => looksLikeLinux(open(spec).image);

  it('says yes to a physical entry in a segment linked elsewhere', () => {
    expect(looks({ entry: 0x10_0000, segments: [LINUX_SEGMENT] })).toBe(true);
  });

  it('says no to a kernel linked where it is loaded, and to a virtual entry', () => {
    expect(looks({})).toBe(false);
    expect(looks({ entry: 0xffff_ffff_8010_0000n, segments: [LINUX_SEGMENT] })).toBe(false);
  });
});
