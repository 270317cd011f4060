import { describe, expect, it } from 'vitest';
import { finishSyscall, pageFaultHandler } from '../../../src/x86/emulate/half-syscall.ts';
import { FLAG } from '../../../src/x86/system-registers.ts';
import { physical } from '../support.ts';
import { machine, STACK } from './machine.ts';

const IDT = 0x6000;
const LSTAR = 0xffff_ffff_8160_0040n;

/** A CPU at its page-fault handler, after a fault at `rip` in code with selector `cs`. */
function atHandler(rip: bigint, cs: bigint) {
  const m = machine();
  m.from.msrs.set(0xc000_0081, (0x23n << 48n) | (0x10n << 32n));
  m.from.msrs.set(0xc000_0082, LSTAR);
  m.from.msrs.set(0xc000_0084, BigInt(FLAG.IF | FLAG.DF));
  for (const [i, word] of [0x15n, rip, cs, 0x1_0647n, 0x7fff_1000n, 0x2bn].entries()) {
    m.guest.setU64(STACK - 48 + i * 8, word);
  }
  m.state.setRegister(4, BigInt(STACK - 48));
  m.state.system.cr2 = rip;
  return m;
}

describe('a SYSCALL done by half', () => {
  it('is finished: level 0 at LSTAR, the user’s stack, flags masked and in R11', () => {
    const m = atHandler(LSTAR, 0x33n);
    expect(finishSyscall(m.state, physical(m.guest))).toBe(true);
    expect([m.state.rip, m.state.register(4), m.state.register(11)]).toEqual([LSTAR, 0x7fff_1000n, 0x647n]);
    expect(m.state.flags).toBe(0x647 & ~(FLAG.IF | FLAG.DF));
    expect(m.state.segments.cs).toMatchObject({ selector: 0x10, dpl: 0, l: 1, db: 0 });
    expect(m.state.segments.ss).toMatchObject({ selector: 0x18, dpl: 0 });
    expect(m.state.changed).toMatchObject({ registers: true, system: true });
  });

  it('is not seen in other faults', () => {
    for (const m of [atHandler(0x40_0000n, 0x33n), atHandler(LSTAR, 0x10n)]) {
      expect(finishSyscall(m.state, physical(m.guest))).toBe(false);
      expect(m.state.register(4)).toBe(BigInt(STACK - 48));
    }
    const off = atHandler(LSTAR, 0x33n);
    off.state.system.efer &= ~1n;
    expect(finishSyscall(off.state, physical(off.guest))).toBe(false);
    const lost = atHandler(LSTAR, 0x33n);
    lost.state.setRegister(4, 0x7f00_0000_0000n);
    expect(finishSyscall(lost.state, physical(lost.guest))).toBe(false);
  });
});

describe('pageFaultHandler', () => {
  it('reads gate 14, once there is one', () => {
    const m = machine();
    m.state.system.idtBase = BigInt(IDT);
    expect(pageFaultHandler(m.state, physical(m.guest))).toBeUndefined();
    m.state.system.idtLimit = 0xfff;
    expect(pageFaultHandler(m.state, physical(m.guest))).toBeUndefined();
    m.guest.setU64(IDT + 14 * 16, 0x8160_8e00_0010_0b00n);
    m.guest.setU64(IDT + 14 * 16 + 8, 0xffff_ffffn);
    expect(pageFaultHandler(m.state, physical(m.guest))).toBe(0xffff_ffff_8160_0b00n);
    m.state.system.idtBase = 0x7f00_0000_0000n;
    expect(pageFaultHandler(m.state, physical(m.guest))).toBeUndefined();
  });
});
