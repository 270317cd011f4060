/** ELF notes: the two that tell a loader something. Sizes come from the file, so every step is checked against the bytes. */
import { alignUp, readLe } from '../../base/bits.ts';

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly descriptor: Uint8Array;
}

/** Xen's note with the physical address of a 32-bit entry point (xen/include/public/elfnote.h). */
const XEN_ELFNOTE_PHYS32_ENTRY = 18;
/** The note that every program linked for an operating system's user space carries (Linux Standard Base, "NT_GNU_ABI_TAG"). */
const NT_GNU_ABI_TAG = 1;

/** All notes in a PT_NOTE segment's bytes; stops at the first one that does not fit. */
export function parseNotes(bytes: Uint8Array, align: number): ElfNote[] {
  const step = align === 8 ? 8 : 4;
  const notes: ElfNote[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const nameSize = readLe(bytes, at, 4);
    const descriptorSize = readLe(bytes, at + 4, 4);
    const type = readLe(bytes, at + 8, 4);
    const descriptorAt = at + alignUp(12 + nameSize, step);
    const end = descriptorAt + descriptorSize;
    if (end > bytes.length) break;
    const name = String.fromCharCode(...bytes.subarray(at + 12, at + 12 + Math.min(nameSize, 16))).replace(
      /\0.*$/s,
      '',
    );
    notes.push({ name, type, descriptor: bytes.subarray(descriptorAt, end) });
    at = alignUp(end, step);
  }
  return notes;
}

/** The PVH entry point, if the notes name one. */
export function pvhEntryPoint(notes: readonly ElfNote[]): number | undefined {
  const note = notes.find(n => n.name === 'Xen' && n.type === XEN_ELFNOTE_PHYS32_ENTRY && n.descriptor.length >= 4);
  return note && readLe(note.descriptor, 0, 4);
}

/** True for a program of some operating system's user space, which no kernel is. */
export function isUserProgram(notes: readonly ElfNote[]): boolean {
  return notes.some(n => n.name === 'GNU' && n.type === NT_GNU_ABI_TAG);
}
