import { describe, expect, it } from 'vitest';
import { pageFaultHandler, takeBackSyscall } from '../../../src/x86/emulate/half-syscall.ts';
import { physical } from '../support.ts';
import { machine, STACK } from './machine.ts';

const IDT = 0x6000;
const LSTAR = 0xffff_ffff_8160_0040n;

const CALLER = 0x40_0000n;
/** The flags of the caller, and what is left of them at the entry: FMASK takes the interrupt flag. */
const [BEFORE, MASKED] = [0x247n, 0x1_0047n];

/** A CPU at its page-fault handler, after a fault at `rip` in code with selector `cs`; a SYSCALL stands before RCX. */
function atHandler(rip: bigint, cs: bigint, flags = MASKED) {
  const m = machine();
  for (const [i, word] of [0x15n, rip, cs, flags, 0x7fff_1000n, 0x2bn].entries()) {
    m.guest.setU64(STACK - 48 + i * 8, word);
  }
  m.guest.write(Number(CALLER), Uint8Array.of(0x0f, 0x05));
  m.state.setRegister(1, CALLER + 2n);
  m.state.setRegister(4, BigInt(STACK - 48));
  m.state.setRegister(11, BEFORE);
  m.state.system.cr2 = rip;
  return m;
}

describe('a SYSCALL done by half', () => {
  it('is taken back: the caller stands before it, at user level, with its own stack and flags', () => {
    const m = atHandler(LSTAR, 0x33n);
    expect(takeBackSyscall(m.state, physical(m.guest), LSTAR)).toBe(true);
    expect([m.state.rip, m.state.register(4), m.state.rflags]).toEqual([CALLER, 0x7fff_1000n, BEFORE]);
    expect([m.state.segments.cs.dpl, m.state.segments.ss.dpl]).toEqual([3, 3]);
    expect(m.state.changed).toMatchObject({ registers: true, system: true });
  });

  it('is not seen in other faults, and a jump to the entry is one of them', () => {
    const elsewhere = atHandler(0x41_0000n, 0x33n);
    const kernel = atHandler(LSTAR, 0x10n);
    const jump = atHandler(LSTAR, 0x33n, BEFORE);
    const noSyscall = atHandler(LSTAR, 0x33n);
    noSyscall.guest.write(Number(CALLER), Uint8Array.of(0xff, 0xe2));
    const noFrame = atHandler(LSTAR, 0x33n);
    noFrame.state.setRegister(4, 0x7f00_0000_0000n);
    const noCode = atHandler(LSTAR, 0x33n);
    noCode.state.setRegister(1, 1n);
    for (const m of [elsewhere, kernel, jump, noSyscall, noFrame, noCode]) {
      const [rip, stack] = [m.state.rip, m.state.register(4)];
      expect(takeBackSyscall(m.state, physical(m.guest), LSTAR)).toBe(false);
      expect([m.state.rip, m.state.register(4)]).toEqual([rip, stack]);
    }
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
