import { describe, expect, it } from 'vitest';
import { isUserProgram, parseNotes, pvhEntryPoint } from '../../../src/boot/elf/notes.ts';
import { note } from '../support/elf-file.ts';

const join = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap(part => [...part]));

describe('ELF notes', () => {
  it('are walked with names and descriptors padded to four bytes', () => {
    const notes = parseNotes(join(note('GNU', 3, [1, 2, 3]), note('Linux', 256, [9])), 4);
    expect(notes.map(n => [n.name, n.type, [...n.descriptor]])).toEqual([
      ['GNU', 3, [1, 2, 3]],
      ['Linux', 256, [9]],
    ]);
  });

  it('take the first four bytes of the PVH entry, whatever the class of the file', () => {
    const four = parseNotes(note('Xen', 18, [0, 0, 0x10, 0]), 4);
    const eight = parseNotes(note('Xen', 18, [0x50, 8, 0, 1, 0, 0, 0, 0]), 4);
    expect(pvhEntryPoint(four)).toBe(0x10_0000);
    expect(pvhEntryPoint(eight)).toBe(0x100_0850);
  });

  it('give no PVH entry for another owner, another type or a descriptor that is too short', () => {
    const others = join(note('GNU', 18, [1, 2, 3, 4]), note('Xen', 17, [1, 2, 3, 4]), note('Xen', 18, [1, 2]));
    expect(parseNotes(others, 4)).toHaveLength(3);
    expect(pvhEntryPoint(parseNotes(others, 4))).toBeUndefined();
  });

  it('know the mark of user programs', () => {
    expect(isUserProgram(parseNotes(note('GNU', 1, new Uint8Array(16)), 4))).toBe(true);
    expect(isUserProgram(parseNotes(note('GNU', 3, new Uint8Array(20)), 4))).toBe(false);
  });

  it('end where a size does not fit', () => {
    const good = note('Xen', 18, [0, 0, 0x10, 0]);
    for (const at of [0, 4]) {
      const wild = good.slice();
      new DataView(wild.buffer).setUint32(at, 0xffff_fff0, true);
      expect(parseNotes(join(good, wild), 4)).toHaveLength(1);
    }
    expect(parseNotes(good.subarray(0, good.length - 1), 4)).toEqual([]);
    expect(parseNotes(new Uint8Array(0), 4)).toEqual([]);
  });
});
