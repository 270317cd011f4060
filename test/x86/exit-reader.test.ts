import { beforeAll, describe, expect, it } from 'vitest';
import { Decoder, DisassemblerNeeded } from '../../src/x86/decoder.ts';
import { ExitReader } from '../../src/x86/exit-reader.ts';
import { linear } from '../../src/x86/linear.ts';
import { TrappedAccess } from '../../src/x86/trapped.ts';
import { bytes, type CpuKind, cpu, identityMap, memory, random } from './support.ts';

let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.load();
});

const CODE = 0x10_0000;
const DEVICE = 0x3000_0000;
const [RAX, RDX, RSI, RDI] = [0, 2, 6, 7] as const;

function machine(with_ = decoder, kind: CpuKind = 'long', exact = true) {
  const guest = memory();
  identityMap(guest);
  const state = cpu(kind);
  const reader = new ExitReader(with_, guest, exact);
  const exit = new TrappedAccess();
  return {
    guest,
    state,
    reader,
    at(code: string, offset = 0) {
      guest.write(CODE, bytes(code));
      state.rip = BigInt(CODE + offset);
    },
    /** Reads an exit, and gives the reading. */
    read(what: Partial<TrappedAccess>) {
      const none = { port: false, write: false, address: 0, width: 0, count: 1, value: 0, valueHigh: 0 };
      Object.assign(exit, none, what);
      reader.read(state, exit);
      return { ...reader.access };
    },
  };
}

const out = (address: number, width: number, value: number) => ({ port: true, write: true, address, width, value });
const store = (address: number, width: number, value: number) => ({ write: true, address, width, value });

describe('the reader of exits', () => {
  it('knows a place again, with other registers', () => {
    const m = machine();
    m.at('66 ef', 2);
    for (let i = 0; i < 5; i++) {
      m.state.setRegister(RDX, BigInt(0x600 + i));
      m.state.setRegister(RAX, BigInt(0xffff_1230 + i));
      expect(m.read(out(0x600 + i, 2, 0x1230 + i))).toMatchObject(out(0x600 + i, 2, 0x1230 + i));
      expect(m.reader.instruction?.text).toBe('out dx, ax');
      expect(m.reader.start).toEqual(linear(0, CODE));
    }
    expect([m.reader.found, m.reader.known, m.reader.mismatches]).toEqual([5, 4, 0]);
  });

  it('reads stores and loads of every plain width, and their values', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.state.setRegister(RSI, 0x8877_6655_4433_2211n);
    for (const [code, width, value] of [
      ['40 88 77 08', 1, 0x11],
      ['66 89 77 08', 2, 0x2211],
      ['89 77 08', 4, 0x4433_2211],
      ['48 89 77 08', 8, 0x4433_2211],
    ] as const) {
      m.at(`${code} 90`, code.split(' ').length);
      const exit = { ...store(DEVICE + 8, width, value), valueHigh: width === 8 ? 0x8877_6655 : 0 };
      for (let i = 0; i < 3; i++) expect(m.read(exit)).toMatchObject(exit);
    }
    m.at('48 8b 47 10');
    for (let i = 0; i < 3; i++)
      expect(m.read({ address: DEVICE + 16, width: 8 })).toMatchObject({ write: false, value: 0 });
    expect([m.reader.found, m.reader.known, m.reader.mismatches]).toEqual([15, 10, 0]);
  });

  it('notices code that changed under it, in its bytes and in the tables', () => {
    const m = machine();
    m.state.setRegister(RDX, 0x80n);
    m.at('ee 90', 1);
    m.read(out(0x80, 1, 0));
    m.read(out(0x80, 1, 0));
    expect(m.reader.known).toBe(1);
    m.at('e6 80 90', 2);
    m.read(out(0x80, 1, 0));
    expect(m.reader.instruction?.text).toBe('out 0x80, al');
    m.at('ef 90', 1);
    m.read(out(0x80, 4, 0));
    expect(m.reader.instruction?.text).toBe('out dx, eax');
    // Another page at the same address.
    m.guest.setU64(0x3000, (2n << 21n) | 0x87n);
    m.guest.write((2 << 21) + CODE, bytes('66 ef 90'));
    m.state.rip = BigInt(CODE + 2);
    m.read(out(0x80, 2, 0));
    expect(m.reader.instruction?.text).toBe('out dx, ax');
    expect(m.reader.mismatches).toBe(0);
  });

  it('compares page tables only for somebody who looks, and whenever CR3 changes', () => {
    const other = bytes('66 ef 90');
    for (const exact of [false, true]) {
      const m = machine(decoder, 'long', exact);
      const text = () => m.reader.instruction?.text;
      m.state.setRegister(RDX, 0x80n);
      m.at('66 66 ef', 3);
      for (let i = 0; i < 2; i++) m.read(out(0x80, 2, 0));
      expect(text()).toBe('out dx, ax');
      m.guest.setU64(0x3000, (2n << 21n) | 0x87n);
      m.guest.write((2 << 21) + CODE, bytes('90'));
      m.guest.write((2 << 21) + CODE + 1, other);
      const before = m.reader.known;
      m.read(out(0x80, 2, 0));
      // The same access either way: only the instruction's first byte is elsewhere.
      expect(m.reader.known - before).toBe(exact ? 0 : 1);
      expect(m.reader.start).toEqual(linear(0, exact ? CODE + 1 : CODE));
      m.guest.setU64(0x5000, 0x2007n);
      m.state.system.cr3 = 0x5000n;
      m.read(out(0x80, 2, 0));
      expect(m.reader.start).toEqual(linear(0, CODE + 1));
      expect(m.reader.mismatches).toBe(0);
    }
  });

  it('lets KVM’s account stand where the instruction says otherwise, and tells both', () => {
    const m = machine();
    m.state.setRegister(RDX, 0x80n);
    m.at('ee 90', 1);
    m.read(out(0x80, 1, 0));
    m.state.setRegister(RAX, 7n);
    expect(m.read(out(0x81, 1, 9))).toMatchObject(out(0x81, 1, 9));
    expect(m.reader.mismatches).toBe(1);
    expect(m.reader.mismatch).toContain('KVM reports out of 1 byte to port 0x81, value 0x9');
    m.read(out(0x80, 1, 7));
    expect(m.reader.mismatch).toBeUndefined();
  });

  it('does not know a real-mode place by its IP alone', () => {
    const m = machine(decoder, 'real');
    m.state.setRegister(RDX, 0x80n);
    m.guest.write(0x1_0000, bytes('ee 90'));
    m.guest.write(0x2_0000, bytes('ef 90'));
    m.state.rip = 1n;
    m.state.segments.cs.base = 0x1_0000n;
    m.read(out(0x80, 1, 0));
    m.state.segments.cs.base = 0x2_0000n;
    m.read(out(0x80, 2, 0));
    expect(m.reader.instruction?.text).toBe('out dx, ax');
    expect([m.reader.found, m.reader.known]).toEqual([2, 0]);
  });

  it('asks for the disassembler only when something else than IN and OUT traps, and then reads the same exit', async () => {
    const fresh = new Decoder();
    const m = machine(fresh);
    m.state.setRegister(RDX, 0x3f8n);
    m.at('ee c3', 1);
    m.read(out(0x3f8, 1, 0));
    m.at('ec c3', 0);
    m.read({ port: true, address: 0x3f8, width: 1 });
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.at('89 07 c3', 2);
    expect(() => m.read(store(DEVICE, 4, 0))).toThrow(DisassemblerNeeded);
    expect(m.reader.found + m.reader.mismatches).toBe(2);
    await fresh.loadDisassembler();
    m.read(store(DEVICE, 4, 0));
    expect(m.reader.instruction?.text).toBe('mov dword ptr [rdi], eax');
    fresh.close();
  });

  it('agrees with a search for random instructions, registers and exits', () => {
    const seed = 0xec17;
    const next = random(seed);
    const m = machine();
    const codes = [
      'ee',
      'ef',
      '66 ef',
      'e6 80',
      'ec',
      '89 77 08',
      '8b 47 08',
      '48 89 37',
      '0f b6 07',
      '09 37',
      'c7 07 01 00 00 00',
      '87 37',
      'a5',
      'f3 6e',
    ];
    let code = '90';
    for (let i = 0; i < 8000; i++) {
      if (next() % 4 === 0) code = codes[next() % codes.length]!;
      m.at(`${code} 90 90`, next() & 1 ? code.split(' ').length : 0);
      m.state.setRegister(RDX, BigInt(0x80 + (next() & 1)));
      m.state.setRegister(RAX, BigInt(next() & 1));
      m.state.setRegister(RSI, BigInt(next() & 1));
      m.state.setRegister(RDI, BigInt(DEVICE + (next() & 1) * 8));
      const port = (next() & 1) === 1;
      const write = (next() & 1) === 1;
      const address = port ? 0x80 : DEVICE + (next() & 1) * 8;
      const exit = { port, write, address, width: [1, 2, 4, port ? 4 : 8][next() & 3]!, value: write ? next() & 1 : 0 };
      const found = m.read(exit);
      const slow = new ExitReader(decoder, m.guest);
      const again = Object.assign(new TrappedAccess(), exit);
      slow.read(m.state, again);
      const where = `seed ${seed}, round ${i}`;
      expect(found, where).toMatchObject(exit);
      expect(m.reader.mismatch === undefined, where).toBe(slow.mismatch === undefined);
      if (!m.reader.mismatch) expect(m.reader.instruction?.text, where).toBe(slow.instruction?.text);
    }
    expect(m.reader.known).toBeGreaterThan(50);
  });

  it('costs little at a place it knows: prints ns an exit', () => {
    const m = machine();
    const time = (what: Partial<TrappedAccess>) => {
      const exit = Object.assign(new TrappedAccess(), what);
      for (let i = 0; i < 20_000; i++) m.reader.read(m.state, exit);
      const start = performance.now();
      for (let i = 0; i < 100_000; i++) m.reader.read(m.state, exit);
      return ((performance.now() - start) * 10).toFixed(0);
    };
    m.state.setRegister(RDX, 0x80n);
    m.at('ee 90', 1);
    const port = time(out(0x80, 1, 0));
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.at('89 77 08 90', 3);
    console.log(`${port} ns a port write, ${time(store(DEVICE + 8, 4, 0))} ns a memory write`);
    expect(m.reader.mismatches).toBe(0);
  });
});
