import { beforeAll, describe, expect, it } from 'vitest';
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { CpuState } from '../../src/x86/cpu-state.ts';
import { Decoder } from '../../src/x86/decoder.ts';
import type { Exit } from '../../src/x86/exit.ts';
import { linear } from '../../src/x86/linear.ts';
import { type Found, Locator, type Mismatch } from '../../src/x86/locate.ts';
import { bytes, cpu, identityMap, memory, random } from './support.ts';

let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.load();
});

const CODE = 0x10_0000;
const [RAX, RDX, RSP, RSI, RDI] = [0, 2, 4, 6, 7] as const;
/** A linear address whose page lies outside RAM, in the identity map: where devices are. */
const DEVICE = 0x3000_0000;

interface Machine {
  readonly state: CpuState;
  readonly guest: GuestMemory;
  readonly locator: Locator;
  at(code: string, offset?: number): void;
}

function machine(): Machine {
  const guest = memory();
  identityMap(guest);
  const state = cpu('long');
  const locator = new Locator(decoder, guest);
  return {
    state,
    guest,
    locator,
    at(code, offset = 0) {
      guest.write(CODE, bytes(code));
      state.rip = BigInt(CODE + offset);
    },
  };
}

const out = (port: number, width: number, value: number): Exit => ({
  kind: 'io',
  direction: 'out',
  port,
  width,
  count: 1,
  value,
});
const write = (gpa: number, width: number, value: number, valueHigh = 0): Exit => ({
  kind: 'mmio',
  direction: 'write',
  gpa,
  width,
  value,
  valueHigh,
});
const read = (gpa: number, width: number): Exit => ({ kind: 'mmio', direction: 'read', gpa, width });

function found(result: Found | Mismatch): Found {
  if (result.kind !== 'found') throw new Error(result.reason);
  return result;
}

describe('Locator', () => {
  it('finds IN and MMIO reads at RIP', () => {
    const m = machine();
    m.at('ec');
    m.state.setRegister(RDX, 0x3fdn);
    const port = found(m.locator.locate(m.state, { kind: 'io', direction: 'in', port: 0x3fd, width: 1, count: 1 }));
    expect(port).toMatchObject({ position: 'at', start: linear(0, CODE), access: { operation: 'in', port: 0x3fd } });
    m.at('8b 47 08');
    m.state.setRegister(RDI, BigInt(DEVICE));
    const load = found(m.locator.locate(m.state, read(DEVICE + 8, 4)));
    expect(load.instruction.text).toBe('mov eax, dword ptr [rdi + 8]');
    expect(load.access).toMatchObject({ operation: 'read', width: 4, address: linear(0, DEVICE + 8) });
  });

  it('finds OUT at RIP, or past it, and remembers which this host does', () => {
    const m = machine();
    m.state.setRegister(RDX, 0x3f8n);
    m.state.setRegister(RAX, 0x41n);
    m.at('ee 90');
    expect(found(m.locator.locate(m.state, out(0x3f8, 1, 0x41))).position).toBe('at');
    m.at('ee 90', 1);
    expect(found(m.locator.locate(m.state, out(0x3f8, 1, 0x41))).position).toBe('past');
    // Two in a row: RIP at the second, past the first. The habit decides.
    m.at('ee ee', 1);
    expect(found(m.locator.locate(m.state, out(0x3f8, 1, 0x41)))).toMatchObject({
      position: 'past',
      start: linear(0, CODE),
    });
  });

  it('finds MMIO writes past the instruction, across what was before it', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.state.setRegister(RAX, 0x1234_5678n);
    m.at('b9 48 48 48 48 89 47 10', 8);
    const store = found(m.locator.locate(m.state, write(DEVICE + 0x10, 4, 0x1234_5678)));
    expect(store).toMatchObject({ position: 'past', start: linear(0, CODE + 5) });
    expect(store.instruction.text).toBe('mov dword ptr [rdi + 0x10], eax');
  });

  it('tells a lock prefix from the end of the instruction before', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    const nops = '90 '.repeat(32);
    m.at(`${nops}f0 83 07 01`, 36);
    expect(found(m.locator.locate(m.state, write(DEVICE, 4, 1))).instruction.text).toBe('lock add dword ptr [rdi], 1');
    const other = machine();
    other.state.setRegister(RDI, BigInt(DEVICE));
    other.at(`${nops}83 c1 f0 83 07 01`, 38);
    expect(found(other.locator.locate(other.state, write(DEVICE, 4, 1))).instruction.text).toBe(
      'add dword ptr [rdi], 1',
    );
  });

  it('uses the value to tell stores apart', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.state.setRegister(RAX, 5n);
    m.state.setRegister(8, 6n);
    m.at('44 89 07', 3);
    expect(found(m.locator.locate(m.state, write(DEVICE, 4, 6))).instruction.text).toBe('mov dword ptr [rdi], r8d');
    m.at('b8 00 00 00 44 89 07', 7);
    expect(found(m.locator.locate(m.state, write(DEVICE, 4, 5))).instruction.text).toBe('mov dword ptr [rdi], eax');
  });

  it('follows string registers that have moved on', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE + 4));
    m.state.setRegister(RSI, 0x20_0004n);
    m.at('f3 a5');
    expect(found(m.locator.locate(m.state, write(DEVICE, 4, 0))).access.operation).toBe('string');
    m.at('ab', 1);
    expect(found(m.locator.locate(m.state, write(DEVICE, 4, 0)))).toMatchObject({
      position: 'past',
      access: { address: linear(0, DEVICE) },
    });
    m.state.rflags |= 0x400n;
    expect(found(m.locator.locate(m.state, write(DEVICE + 8, 4, 0))).access.address).toEqual(linear(0, DEVICE + 8));
  });

  it('explains pieces of wide and of page-crossing accesses', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.at('c5 fe 6f 07');
    expect(found(m.locator.locate(m.state, read(DEVICE + 24, 8))).access.width).toBe(32);
    m.state.setRegister(RDI, BigInt(DEVICE + 0xffe));
    m.at('8b 07');
    expect(found(m.locator.locate(m.state, read(DEVICE + 0x1000, 2))).access.width).toBe(4);
    expect(m.locator.locate(m.state, read(DEVICE + 0x1000, 4)).kind).toBe('mismatch');
  });

  it('sees the source of push and the target of pop', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.state.setRegister(RSP, 0x8000n);
    m.at('ff 37');
    expect(found(m.locator.locate(m.state, read(DEVICE, 8))).access.operation).toBe('read');
    m.at('8f 07', 2);
    expect(found(m.locator.locate(m.state, write(DEVICE, 8, 0))).access.operation).toBe('write');
  });

  it('reports both readings when nothing fits', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.at('8b 07');
    const result = m.locator.locate(m.state, read(DEVICE + 4, 4));
    expect(result.kind === 'mismatch' && result.reason).toBe(
      'KVM reports read of 4 bytes at guest-physical 0x30000004, but "mov eax, dword ptr [rdi]" at RIP 0x0000000000100000 ' +
        'reads as read of 4 bytes at linear 0x0000000030000000, and nothing that ends there fits.',
    );
    m.state.rip = 0x7fff_0000_0000n;
    expect(m.locator.locate(m.state, read(DEVICE, 4))).toMatchObject({ kind: 'mismatch', instruction: undefined });
    expect(m.locator).toMatchObject({ found: 0, mismatches: 2 });
  });

  it('survives any code, registers and exits', { timeout: 60_000 }, () => {
    const seed = 0x10ca7e;
    const next = random(seed);
    const m = machine();
    for (let i = 0; i < 5000; i++) {
      for (let at = CODE; at < CODE + 64; at += 4) m.guest.setU32(at, next());
      for (let r = 0; r < 16; r++) m.state.setRegister(r, (BigInt(next()) << 32n) | BigInt(next()));
      m.state.rip = i % 10 ? BigInt(CODE + (next() % 64)) : (BigInt(next()) << 32n) | BigInt(next());
      const direction = i % 2 ? 'read' : 'write';
      const exit: Exit =
        i % 4 < 2 ? { kind: 'mmio', direction, gpa: next(), width: 1 << (next() % 4) } : out(next() & 0xffff, 1, 0);
      try {
        m.locator.locate(m.state, exit);
      } catch (error) {
        throw new Error(`seed ${seed}, round ${i}`, { cause: error });
      }
    }
    expect(m.locator.found + m.locator.mismatches).toBe(5000);
  });
});

describe('a located exit, once cached', () => {
  it('costs little: prints ns an exit', () => {
    const m = machine();
    m.state.setRegister(RDI, BigInt(DEVICE));
    m.state.setRegister(RAX, 7n);
    m.at('89 47 10', 3);
    const exit = write(DEVICE + 0x10, 4, 7);
    const rounds = 200_000;
    for (let i = 0; i < 20_000; i++) m.locator.locate(m.state, exit);
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) m.locator.locate(m.state, exit);
    const each = Number(process.hrtime.bigint() - start) / rounds;
    console.log(`${each.toFixed(0)} ns a located exit, ${decoder.hits} hits, ${decoder.misses} misses`);
    expect(m.locator.mismatches).toBe(0);
  });
});
