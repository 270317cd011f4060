import { describe, expect, it } from 'vitest';
import { elfOddity } from '../../../src/boot/elf/oddity.ts';
import { elfFile } from '../support/elf-file.ts';

const header = (patch: Record<number, number> = {}, bits: 32 | 64 = 64) => {
  const bytes = elfFile({ bits }).bytes.slice();
  for (const [at, value] of Object.entries(patch)) bytes[Number(at)] = value;
  return bytes;
};

describe('elfOddity', () => {
  it('has nothing against x86 executables of either class, or files that are no ELF', () => {
    expect(elfOddity(header())).toBeUndefined();
    expect(elfOddity(header({}, 32))).toBeUndefined();
    expect(elfOddity(new Uint8Array(100))).toBeUndefined();
  });

  it('names processors, in either byte order', () => {
    expect(elfOddity(header({ 18: 0xf3 }))?.what).toBe('an ELF file for a RISC-V processor');
    expect(elfOddity(header({ 5: 2, 16: 0, 17: 2, 18: 0, 19: 21 }))?.what).toBe(
      'an ELF file for a 64-bit PowerPC processor',
    );
    expect(elfOddity(header({ 18: 0x77, 19: 0x77 }))?.what).toBe('an ELF file for an unknown (30583) processor');
  });

  it('sees what contradicts itself', () => {
    expect(elfOddity(header({ 18: 3 }))?.what).toMatch(/class does not fit its processor/);
    expect(elfOddity(header({ 18: 62 }, 32))?.what).toMatch(/the x32 ABI/);
    expect(elfOddity(header({ 5: 7 }))?.what).toMatch(/unknown class or byte order/);
    expect(elfOddity(header({ 4: 9, 18: 3 }))?.what).toMatch(/unknown class or byte order/);
  });

  it('sees files that end within the header', () => {
    expect(elfOddity(header().subarray(0, 20))?.what).toBe('an ELF file that is cut short');
  });
});
