import { describe, expect, it } from 'vitest';
import { linear } from '../../src/x86/linear.ts';
import { peek } from '../../src/x86/peek.ts';
import { cpu, memory, physical } from './support.ts';

/** Linear 0x20_0000 is at 0x10_0000, the page behind it at 0x30_0000 if it is there. */
function pages(second: bigint) {
  const guest = memory();
  guest.setU64(0x1000, 0x2007n);
  guest.setU64(0x2000, 0x3007n);
  guest.setU64(0x3000 + 8, 0x4007n);
  guest.setU64(0x4000, 0x10_0001n);
  guest.setU64(0x4008, second);
  guest.write(0x10_0ffe, Uint8Array.of(1, 2));
  guest.write(0x30_0000, Uint8Array.of(3, 4));
  return guest;
}

describe('a look at guest memory', () => {
  it('joins pages that are apart, whoever may read them, and leaves no trace', () => {
    const guest = pages(0x30_0001n);
    const into = new Uint8Array(4);
    expect(peek(cpu('long'), physical(guest), linear(0, 0x20_0ffe), into)).toBe(true);
    expect([...into]).toEqual([1, 2, 3, 4]);
    expect(guest.u64(0x4000)).toBe(0x10_0001n);
  });

  it('says when something is not there', () => {
    expect(peek(cpu('long'), physical(pages(0n)), linear(0, 0x20_0ffe), new Uint8Array(4))).toBe(false);
    expect(peek(cpu('long'), physical(pages(0x7000_0001n)), linear(0, 0x20_0ffe), new Uint8Array(4))).toBe(false);
  });
});
