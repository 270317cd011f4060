import { describe, expect, it } from 'vitest';
import { planElf } from '../../../src/boot/elf/plan.ts';
import type { EntryChoice } from '../../../src/boot/plan.ts';
import { COUNTING, type ElfSpec, elfFile, LINUX_SEGMENT, pvhNote } from '../support/elf-file.ts';
import { guestOf, refusal } from '../support/guest.ts';

function plan(spec: ElfSpec, choice: EntryChoice = 'auto') {
  const file = elfFile(spec);
  return planElf(guestOf(4), file, file.bytes.subarray(0, 0x8010), choice);
}

const flat = { physical: 0x10_0000, contents: COUNTING };
const withNote: ElfSpec = { segments: [flat, pvhNote(0x10_0040)] };
const linuxWithNote: ElfSpec = { entry: 0x10_0000, segments: [LINUX_SEGMENT, pvhNote(0x10_0040)] };

describe('planElf', () => {
  it('honours a PVH note', () => {
    expect(plan(withNote)).toMatchObject({ format: 'pvh', protocol: 'pvh', entryPoint: 0x10_0040 });
    expect(plan({ ...withNote, bits: 32 })).toMatchObject({ format: 'pvh', entryPoint: 0x10_0040 });
  });

  it('enters Linux by its own protocol even with a note', () => {
    expect(plan(linuxWithNote)).toMatchObject({ format: 'elf64', protocol: 'linux64', entryPoint: 0x10_0000 });
  });

  it('uses the Linux protocol without a note', () => {
    expect(plan({ segments: [flat] })).toMatchObject({ format: 'elf64', protocol: 'linux64', entryPoint: 0x10_0000 });
    expect(plan({ bits: 32, segments: [flat] })).toMatchObject({ format: 'elf32', protocol: 'linux32' });
  });

  it('does what it is told where both are there', () => {
    expect(plan(withNote, 'linux').protocol).toBe('linux64');
    expect(plan(linuxWithNote, 'pvh')).toMatchObject({ protocol: 'pvh', entryPoint: 0x10_0040 });
  });

  it('refuses PVH where there is no note', () => {
    expect(refusal(() => plan({ segments: [flat] }, 'pvh'))).toMatch(/^vmlinux has no PVH note\. Enter it by/);
  });

  it('keeps the initrd where a 32-bit entry reaches it', () => {
    expect(plan({ bits: 32, segments: [flat] }).initrdMax).toBe(0x37ff_ffff);
    expect(plan({ segments: [flat] }).initrdMax).toBe(0xbfff_ffff);
    expect(plan(withNote).initrdMax).toBe(0x37ff_ffff);
  });

  it('says what every segment occupies, zeros included', () => {
    expect(plan(linuxWithNote).occupied).toEqual([{ start: 0x10_0000, end: 0x10_4000 }]);
  });
});
