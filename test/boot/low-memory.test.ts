import { describe, expect, it } from 'vitest';
import { collision, OCCUPIED } from '../../src/boot/low-memory.ts';
import { overlaps } from '../../src/boot/range.ts';
import * as map from '../../src/memory/map.ts';

describe('low memory', () => {
  it('holds nothing twice', () => {
    for (const a of OCCUPIED) {
      for (const b of OCCUPIED) if (a !== b) expect([a.what, b.what, overlaps(a, b)]).toEqual([a.what, b.what, false]);
    }
  });

  it('covers every address that the launcher writes to', () => {
    const written = [
      ...[map.BOOT_GDT, map.BOOT_IDT, map.ZERO_PAGE, map.PVH_START_INFO, map.BOOT_PAGE_TABLES, map.BOOT_STACK],
      ...[map.COMMAND_LINE, map.ACPI_TABLES, map.MP_TABLE],
    ];
    for (const start of written) expect(collision({ start, end: start + 1 })).toBeTypeOf('string');
  });

  it('leaves room for small kernels', () => {
    expect(collision({ start: 0x3_0000, end: map.EBDA })).toBeUndefined();
    expect(collision({ start: 0x10_0000, end: 0x1000_0000 })).toBeUndefined();
  });
});
