import { describe, expect, it } from 'vitest';
import { FpuState } from '../../../src/x86/emulate/fpu-state.ts';
import { CR4, FLAG } from '../../../src/x86/system-registers.ts';
import { CODE, DATA, machine, STACK, toUser } from './machine.ts';

const [RAX, RCX, RDX, RSP, RDI, R11] = [0, 1, 2, 4, 7, 11] as const;
const GDT = 0x5000;
const IDT = 0x6000;
/** Flat 64-bit kernel code, kernel data, user data, user code: selectors 0x10, 0x18, 0x2b, 0x33. */
const DESCRIPTORS: readonly (readonly [number, bigint])[] = [
  [0x10, 0x00af_9b00_0000_ffffn],
  [0x18, 0x00cf_9300_0000_ffffn],
  [0x20, 0x00cf_fa00_0000_ffffn],
  [0x28, 0x00cf_f200_0000_ffffn],
  [0x30, 0x00af_fa00_0000_ffffn],
  [0x38, 0x0040_f500_0000_1234n],
];

function withTables() {
  const m = machine();
  for (const [selector, descriptor] of DESCRIPTORS) m.guest.setU64(GDT + selector, descriptor);
  m.state.system.gdtBase = BigInt(GDT);
  m.state.system.gdtLimit = 0x3f;
  m.state.system.idtBase = BigInt(IDT);
  m.state.system.idtLimit = 0xfff;
  return m;
}

describe('interrupt instructions', () => {
  it('come back with their vector and RIP behind them', () => {
    const m = withTables();
    m.guest.setU8(IDT + 3 * 16 + 5, 0xee);
    expect(m.step('cc')).toEqual({ kind: 'interrupt', name: 'int3', vector: 3 });
    expect(m.state.rip).toBe(BigInt(CODE + 1));
    m.guest.setU8(IDT + 0x80 * 16 + 5, 0xee);
    toUser(m.state);
    expect(m.step('cd 80')).toEqual({ kind: 'interrupt', name: 'int', vector: 0x80 });
    expect(m.state.rip).toBe(BigInt(CODE + 2));
  });

  it('are #GP for a gate that user code may not use', () => {
    const m = withTables();
    m.guest.setU8(IDT + 0x81 * 16 + 5, 0x8e);
    toUser(m.state);
    expect(m.step('cd 81')).toMatchObject({ kind: 'fault', vector: 13, errorCode: 0x81 * 8 + 2 });
    m.state.system.idtLimit = 0xff;
    expect(m.step('cd 80')).toMatchObject({ vector: 13, errorCode: 0x80 * 8 + 2 });
  });
});

describe('IRET', () => {
  const frame = (m: ReturnType<typeof withTables>, words: readonly bigint[]) => {
    for (const [i, word] of words.entries()) m.guest.setU64(STACK + i * 8, word);
    m.state.setRegister(RSP, BigInt(STACK));
  };

  it('returns to user code with its segments, flags and stack', () => {
    const m = withTables();
    m.state.segments.ds.dpl = 0;
    frame(m, [0x40_1000n, 0x33n, 0x1_0246n, 0x7fff_f000n, 0x2bn]);
    expect(m.step('48 cf')).toEqual({ kind: 'done', name: 'iret' });
    const { cs, ss, ds } = m.state.segments;
    expect([m.state.rip, m.state.register(RSP), m.state.flags]).toEqual([0x40_1000n, 0x7fff_f000n, 0x1_0246]);
    expect(cs).toMatchObject({ selector: 0x33, dpl: 3, l: 1, db: 0, type: 11, limit: 0xffff_ffff });
    expect(ss).toMatchObject({ selector: 0x2b, dpl: 3, type: 3 });
    expect(ds).toMatchObject({ selector: 0, unusable: 1 });
    expect(m.state.changed.system).toBe(true);
    // The accessed bits are in the table now.
    expect(m.guest.u8(GDT + 0x35) & 1).toBe(1);
  });

  it('returns within the kernel', () => {
    const m = withTables();
    frame(m, [BigInt(CODE + 0x100), 0x10n, 0x2n, BigInt(STACK + 0x100), 0x18n]);
    expect(m.step('48 cf')).toMatchObject({ kind: 'done' });
    expect([m.state.rip, m.state.register(RSP)]).toEqual([BigInt(CODE + 0x100), BigInt(STACK + 0x100)]);
    expect(m.state.segments.ds.unusable).toBe(0);
  });

  it.each([
    ['a null code selector', [1n, 0n, 2n, 3n, 0x2bn], { vector: 13, errorCode: 0 }],
    ['a data selector as code', [1n, 0x2bn, 2n, 3n, 0x2bn], { vector: 13, errorCode: 0x28 }],
    ['a selector beyond the table', [1n, 0x43n, 2n, 3n, 0x2bn], { vector: 13, errorCode: 0x40 }],
    ['a stack of the wrong level', [1n, 0x33n, 2n, 3n, 0x18n], { vector: 13, errorCode: 0x18 }],
    ['a non-canonical address', [1n << 47n, 0x33n, 2n, 3n, 0x2bn], { vector: 13, errorCode: 0 }],
  ])('refuses %s', (_what, words, fault) => {
    const m = withTables();
    frame(m, words);
    expect(m.step('48 cf')).toMatchObject({ kind: 'fault', ...fault });
    expect([m.state.rip, m.state.register(RSP)]).toEqual([BigInt(CODE), BigInt(STACK)]);
  });

  it('pops three words in real mode', () => {
    const m = machine('real');
    m.state.segments.cs.base = BigInt(CODE);
    m.state.rip = 0n;
    m.state.setRegister(RSP, 0x8000n);
    m.guest.setU16(0x8000, 0x1234);
    m.guest.setU16(0x8002, 0xf000);
    m.guest.setU16(0x8004, 0x0247);
    m.guest.setU8(CODE, 0xcf);
    expect(m.emulator.step()).toMatchObject({ kind: 'done' });
    expect([m.state.rip, m.state.segments.cs.base, m.state.register(RSP)]).toEqual([0x1234n, 0xf_0000n, 0x8006n]);
    expect(m.state.flags & 0xfff).toBe(0x247);
  });
});

describe('SYSCALL and SYSRET', () => {
  const withMsrs = () => {
    const m = withTables();
    m.from.msrs.set(0xc000_0081, (0x23n << 48n) | (0x10n << 32n));
    m.from.msrs.set(0xc000_0082, 0xffff_ffff_8100_0000n);
    m.from.msrs.set(0xc000_0084, BigInt(FLAG.IF | FLAG.TF));
    return m;
  };

  it('go up', () => {
    const m = withMsrs();
    toUser(m.state);
    m.state.rflags = BigInt(FLAG.IF | FLAG.CF | 2);
    expect(m.step('0f 05')).toMatchObject({ kind: 'done' });
    expect([m.state.rip, m.state.register(RCX), m.state.register(R11)]).toEqual([
      0xffff_ffff_8100_0000n,
      BigInt(CODE + 2),
      BigInt(FLAG.IF | FLAG.CF | 2),
    ]);
    expect(m.state.flags).toBe(FLAG.CF | 2);
    expect(m.state.segments.cs).toMatchObject({ selector: 0x10, dpl: 0, l: 1 });
    expect(m.state.segments.ss).toMatchObject({ selector: 0x18, dpl: 0 });
  });

  it('and down, to 64-bit and to 32-bit code', () => {
    const m = withMsrs();
    m.state.setRegister(RCX, 0x40_0000n);
    m.state.setRegister(R11, 0x246n);
    expect(m.step('48 0f 07')).toMatchObject({ kind: 'done' });
    expect([m.state.rip, m.state.flags]).toEqual([0x40_0000n, 0x246]);
    expect(m.state.segments.cs).toMatchObject({ selector: 0x33, dpl: 3, l: 1, db: 0 });
    expect(m.state.segments.ss).toMatchObject({ selector: 0x2b, dpl: 3 });
    const other = withMsrs();
    other.state.setRegister(RCX, 0x40_0000n);
    other.step('0f 07');
    expect(other.state.segments.cs).toMatchObject({ selector: 0x23, dpl: 3, l: 0, db: 1 });
  });

  it('refuse: SYSRET below level 0, to a non-canonical address, and both without EFER.SCE', () => {
    const m = withMsrs();
    m.state.setRegister(RCX, 1n << 62n);
    expect(m.step('48 0f 07')).toMatchObject({ vector: 13, errorCode: 0 });
    toUser(m.state);
    expect(m.step('48 0f 07')).toMatchObject({ vector: 13 });
    m.state.system.efer &= ~1n;
    expect(m.step('0f 05')).toMatchObject({ vector: 6 });
  });
});

describe('small system instructions', () => {
  it('CLAC and STAC', () => {
    const m = machine();
    m.step('0f 01 cb');
    expect(m.state.flags & FLAG.AC).toBe(FLAG.AC);
    m.step('0f 01 ca');
    expect(m.state.flags & FLAG.AC).toBe(0);
    toUser(m.state);
    expect(m.step('0f 01 cb')).toMatchObject({ vector: 6 });
  });

  it('SWAPGS', () => {
    const m = machine();
    m.from.msrs.set(0xc000_0102, 0xffff_8880_0000_0000n);
    m.state.segments.gs.base = 0x7f00_0000n;
    m.step('0f 01 f8');
    expect([m.state.segments.gs.base, m.from.msrs.get(0xc000_0102)]).toEqual([0xffff_8880_0000_0000n, 0x7f00_0000n]);
    toUser(m.state);
    expect(m.step('0f 01 f8')).toMatchObject({ vector: 13 });
  });

  it('RDTSCP, RDPID', () => {
    const m = machine();
    m.from.msrs.set(0x10, 0x1_0000_0002n);
    m.from.msrs.set(0xc000_0103, 5n);
    m.step('0f 01 f9');
    expect([RAX, RDX, RCX].map(register => m.state.register(register))).toEqual([2n, 1n, 5n]);
    m.step('f3 0f c7 f8');
    expect(m.state.register(RAX)).toBe(5n);
    m.state.system.cr4 |= 4n;
    toUser(m.state);
    expect(m.step('0f 01 f9')).toMatchObject({ vector: 13 });
  });

  it('RDFSBASE and WRGSBASE', () => {
    const m = machine();
    expect(m.step('f3 48 0f ae c0')).toMatchObject({ vector: 6 });
    m.state.system.cr4 |= BigInt(CR4.FSGSBASE);
    m.state.segments.fs.base = 0x7fff_1234_5678n;
    m.step('f3 48 0f ae c0');
    expect(m.state.register(RAX)).toBe(0x7fff_1234_5678n);
    m.step('f3 48 0f ae d8');
    expect(m.state.segments.gs.base).toBe(0x7fff_1234_5678n);
    m.state.setRegister(RAX, 1n << 60n);
    expect(m.step('f3 48 0f ae d8')).toMatchObject({ vector: 13 });
  });

  it('INVPCID checks its operands', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DATA));
    m.state.setRegister(RAX, 2n);
    expect(m.step('66 0f 38 82 07')).toMatchObject({ kind: 'done' });
    m.state.setRegister(RAX, 4n);
    expect(m.step('66 0f 38 82 07')).toMatchObject({ vector: 13 });
    m.state.setRegister(RAX, 0n);
    m.guest.setU64(DATA, 0x1000n);
    expect(m.step('66 0f 38 82 07')).toMatchObject({ vector: 13 });
  });

  it('LSL, LAR, VERR and VERW look into the table', () => {
    const m = withTables();
    m.state.setRegister(RCX, 0x3bn);
    toUser(m.state);
    m.step('0f 03 c1');
    expect([m.state.register(RAX), m.state.flags & FLAG.ZF]).toEqual([0x1234n, FLAG.ZF]);
    m.step('0f 02 c1');
    expect(m.state.register(RAX)).toBe(0x40_f500n);
    m.step('0f 00 e1');
    expect(m.state.flags & FLAG.ZF).toBe(FLAG.ZF);
    m.step('0f 00 e9');
    expect(m.state.flags & FLAG.ZF).toBe(0);
    m.state.setRegister(RCX, 0x43n);
    m.step('0f 03 c1');
    expect(m.state.flags & FLAG.ZF).toBe(0);
  });

  it('RDRAND says that it succeeded', () => {
    const m = machine();
    m.step('48 0f c7 f0');
    expect(m.state.flags & FLAG.CF).toBe(FLAG.CF);
    expect(m.state.register(RAX)).not.toBe(0n);
  });

  it('XGETBV and XSETBV', () => {
    const m = machine();
    m.step('0f 01 d0');
    expect([m.state.register(RAX), m.state.register(RDX)]).toEqual([7n, 0n]);
    m.state.setRegister(RAX, 3n);
    expect(m.step('0f 01 d1')).toMatchObject({ kind: 'done' });
    expect(m.from.xcr0()).toBe(3n);
    m.state.setRegister(RAX, 5n);
    expect(m.step('0f 01 d1')).toMatchObject({ vector: 13 });
  });
});

describe('saved state', () => {
  const filled = () => {
    const m = machine();
    const { area } = m.from;
    for (let i = 32; i < 416; i++) area[i] = i & 0xff;
    for (let i = 576; i < 832; i++) area[i] = (i * 7) & 0xff;
    const view = new DataView(area.buffer);
    view.setUint16(0, 0x37f, true);
    view.setUint32(24, 0x1fa0, true);
    view.setUint32(512, 7, true);
    m.state.setRegister(RDI, BigInt(DATA));
    m.state.setRegister(RAX, 7n);
    m.state.setRegister(RDX, 0n);
    return m;
  };

  it.each([
    ['xsave', '0f ae 27', '0f ae 2f'],
    ['xsaveopt', '0f ae 37', '0f ae 2f'],
    ['xsavec', '0f c7 27', '0f ae 2f'],
    ['xsaves', '0f c7 2f', '0f c7 1f'],
  ])('%s and back', (_name, save, restore) => {
    const m = filled();
    const before = m.from.area.slice();
    expect(m.step(save)).toMatchObject({ kind: 'done' });
    m.from.area.fill(0, 0, 832);
    new FpuState(m.from.area).controlWord = 0x27f;
    expect(m.step(restore)).toMatchObject({ kind: 'done' });
    expect(Buffer.compare(m.from.area.subarray(0, 28), before.subarray(0, 28))).toBe(0);
    expect(Buffer.compare(m.from.area.subarray(32, 416), before.subarray(32, 416))).toBe(0);
    expect(Buffer.compare(m.from.area.subarray(576, 832), before.subarray(576, 832))).toBe(0);
  });

  it('fxsave and fxrstor leave YMM alone', () => {
    const m = filled();
    const before = m.from.area.slice();
    m.step('0f ae 07');
    m.from.area.fill(0, 0, 512);
    m.step('0f ae 0f');
    expect(Buffer.compare(m.from.area.subarray(32, 416), before.subarray(32, 416))).toBe(0);
    expect(Buffer.compare(m.from.area.subarray(576, 832), before.subarray(576, 832))).toBe(0);
  });

  it('xrstor puts what the header leaves out into its initial state', () => {
    const m = filled();
    m.step('0f ae 27');
    m.guest.setU64(DATA + 512, 1n);
    m.step('0f ae 2f');
    const fpu = new FpuState(m.from.area);
    expect(fpu.present).toBe(1);
    expect(fpu.lowBits(3)).toBe(0n);
    expect(fpu.mxcsr).toBe(0x1fa0);
  });

  it('refuses misalignment, unknown components and bad MXCSR bits', () => {
    const m = filled();
    m.step('0f ae 27');
    m.guest.setU64(DATA + 512, 1n << 9n);
    expect(m.step('0f ae 2f')).toMatchObject({ vector: 13 });
    m.guest.setU64(DATA + 512, 7n);
    m.guest.setU32(DATA + 24, 1 << 30);
    expect(m.step('0f ae 2f')).toMatchObject({ vector: 13 });
    expect(m.step('0f ae 57 18')).toMatchObject({ vector: 13 });
    m.state.setRegister(RDI, BigInt(DATA + 16));
    expect(m.step('0f ae 27')).toMatchObject({ vector: 13 });
  });

  it('fldenv takes back what fnstenv wrote', () => {
    const m = filled();
    new FpuState(m.from.area).initX87();
    m.step('d9 e8');
    m.step('d9 eb');
    m.step('d9 37');
    expect(m.guest.u16(DATA + 4) & 0x3000).toBe(0x3800 & 0x3000);
    m.step('db e3');
    m.step('d9 27');
    const fpu = new FpuState(m.from.area);
    expect([fpu.top, fpu.tags]).toEqual([6, 0xc0]);
    expect(fpu.readSt(1) >> 64n).toBe(0x3fffn);
  });
});
