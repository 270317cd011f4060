import { describe, expect, it } from 'vitest';
import { CodeBytes } from '../../src/x86/fetch.ts';
import { linear } from '../../src/x86/linear.ts';
import { PF } from '../../src/x86/paging.ts';
import { cpu, memory, physical } from './support.ts';

/** Two neighbouring pages at linear 0x20_0000, the second mapped only if `second`. */
function twoPages(second: bigint) {
  const guest = memory();
  guest.setU64(0x1000, 0x2007n);
  guest.setU64(0x2000, 0x3007n);
  guest.setU64(0x3000 + 8, 0x4007n);
  guest.setU64(0x4000, 0x10_0007n);
  guest.setU64(0x4008, second);
  guest.write(0x10_0ffd, Uint8Array.of(0x48, 0xb8, 0x11));
  guest.write(0x30_0000, Uint8Array.of(0x22, 0x33, 0x44));
  return guest;
}

describe('CodeBytes', () => {
  it('joins an instruction from two pages that are apart in physical memory', () => {
    const code = new CodeBytes().fetch(cpu('long'), physical(twoPages(0x30_0007n)), linear(0, 0x20_0ffd));
    expect(code.length).toBe(15);
    expect([...code.bytes.subarray(0, 6)]).toEqual([0x48, 0xb8, 0x11, 0x22, 0x33, 0x44]);
    expect(code.stop).toBeUndefined();
  });

  it('stops at an absent second page and tells where', () => {
    const code = new CodeBytes().fetch(
      cpu('long'),
      physical(twoPages(0n)),
      linear(0, 0x20_0ffd),
      15,
      PF.USER | PF.FETCH,
    );
    expect(code.length).toBe(3);
    expect([...code.bytes.subarray(0, 5)]).toEqual([0x48, 0xb8, 0x11, 0, 0]);
    expect(code.stop).toEqual({ address: linear(0, 0x20_1000), result: -1 - (PF.USER | PF.FETCH) });
  });

  it('has nothing where even the first page is absent, or is not RAM', () => {
    const code = new CodeBytes();
    expect(code.fetch(cpu('long'), physical(twoPages(0n)), linear(0x8000_0000, 0)).length).toBe(0);
    expect(code.fetch(cpu('real'), physical(memory()), linear(0, 0xffff_fff0)).length).toBe(0);
    expect(code.stop?.result).toBe(0xffff_fff0);
  });
});
