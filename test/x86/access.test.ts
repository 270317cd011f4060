import { beforeAll, describe, expect, it } from 'vitest';
import { accessOf, valueHalves } from '../../src/x86/access.ts';
import type { CpuState } from '../../src/x86/cpu-state.ts';
import { Decoder } from '../../src/x86/decoder.ts';
import { bigOf, linear, linearOf } from '../../src/x86/linear.ts';
import { codeSize } from '../../src/x86/mode.ts';
import { bytes, type CpuKind, cpu, setSegmentBase } from './support.ts';

let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.load();
});

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;
const RBP = 5;
const RSI = 6;
const RDI = 7;

function access(kind: CpuKind, code: string, setup: (state: CpuState) => void, at = 0x1000n) {
  const state = cpu(kind);
  setup(state);
  const raw = bytes(code);
  const instruction = decoder.decode(raw, 0, raw.length, codeSize(state))!;
  const found = accessOf(state, instruction, linearOf(at));
  return { ...found, address: found.address && bigOf(found.address) };
}

describe('effective addresses', () => {
  it('64-bit: base, scaled index and displacement wrap at 2^64', () => {
    const found = access('long', '8b 44 4f f0', state => {
      state.setRegister(RDI, 0xffff_ffff_ffff_fff8n);
      state.setRegister(RCX, 0x8000_0000n);
    });
    expect(found).toMatchObject({ operation: 'read', width: 4, address: 0xffff_ffe8n });
  });

  it('64-bit: FS and GS have bases, DS has none; 67 cuts the offset, not the sum', () => {
    const setup = (state: CpuState) => {
      setSegmentBase(state, 'gs', 0xffff_8880_0000_0000n);
      setSegmentBase(state, 'ds', 0x1234n);
      state.setRegister(RDI, 0x1_0000_0010n);
    };
    expect(access('long', '65 8b 07', setup).address).toBe(0xffff_8881_0000_0010n);
    expect(access('long', '8b 07', setup).address).toBe(0x1_0000_0010n);
    expect(access('long', '65 67 8b 07', setup).address).toBe(0xffff_8880_0000_0010n);
  });

  it('64-bit: relative to the next instruction', () => {
    expect(access('long', '8b 05 f0 ff ff ff', () => {}, 0xffff_ffff_8100_0000n).address).toBe(0xffff_ffff_80ff_fff6n);
  });

  it('64-bit absolute offsets of movabs', () => {
    expect(access('long', 'a1 88 77 66 55 44 33 22 11', () => {}).address).toBe(0x1122_3344_5566_7788n);
  });

  it('real mode: segment times 16 plus a 16-bit offset that wraps', () => {
    const found = access('real', '8b 40 10', state => {
      setSegmentBase(state, 'ds', 0xb_8000n);
      state.setRegister(RBX, 0xffffn);
      state.setRegister(RSI, 0x11n);
    });
    expect(found).toMatchObject({ operation: 'read', width: 2, address: 0xb_8020n });
  });

  it('real mode: BP means SS, an override means what it says, 67 gives 32-bit offsets', () => {
    const setup = (state: CpuState) => {
      setSegmentBase(state, 'ss', 0x1_0000n);
      setSegmentBase(state, 'es', 0x2_0000n);
      state.setRegister(RBP, 0x100n);
      state.setRegister(RDI, 0x1_2345n);
    };
    expect(access('real', '8b 46 fe', setup).address).toBe(0x1_00fen);
    expect(access('real', '26 8b 46 fe', setup).address).toBe(0x2_00fen);
    expect(access('real', '67 8b 07', setup).address).toBe(0x1_2345n);
  });

  it('16-bit protected mode uses descriptor bases', () => {
    const found = access('protected16', '89 07', state => {
      setSegmentBase(state, 'ds', 0xfee0_0000n);
      state.setRegister(RBX, 0xb0n);
      state.setRegister(RAX, 0x1_0007n);
    });
    expect(found).toMatchObject({ operation: 'write', width: 2, address: 0xfee0_00b0n });
  });

  it('32-bit protected mode wraps at 4 GiB with the base added', () => {
    const found = access('protected32', '89 07', state => {
      setSegmentBase(state, 'ds', 0xf000_0000n);
      state.setRegister(RDI, 0x2000_0000n);
    });
    expect(found.address).toBe(0x1000_0000n);
  });
});

describe('ports and strings', () => {
  it('in and out: DX, immediate, width by register', () => {
    expect(access('long', '66 ef', state => state.setRegister(RDX, 0x1_0cf8n))).toMatchObject({
      operation: 'out',
      port: 0xcf8,
      width: 2,
      value: { name: 'ax' },
    });
    expect(access('real', 'e4 60', () => {})).toMatchObject({ operation: 'in', port: 0x60, width: 1 });
  });

  it('rep counts by address size', () => {
    const setup = (state: CpuState) => {
      state.setRegister(RCX, 0x2_0003_0005n);
      state.setRegister(RDX, 0x1f0n);
      state.setRegister(RDI, 0x5000n);
    };
    expect(access('long', 'f3 66 6d', setup)).toMatchObject({
      operation: 'in',
      port: 0x1f0,
      width: 2,
      count: 0x2_0003_0005,
    });
    expect(access('protected32', 'f3 ab', setup)).toMatchObject({ operation: 'string', width: 4, count: 0x3_0005 });
    expect(access('real', 'f3 a4', setup)).toMatchObject({ operation: 'string', width: 1, count: 5 });
    expect(access('long', 'aa', setup).count).toBe(1);
  });

  it('values come from high bytes, segments and immediates too', () => {
    const state = cpu('long');
    state.setRegister(RBX, 0xabcdn);
    state.segments.gs.selector = 0x2b;
    const value = (code: string) => {
      const raw = bytes(code);
      return valueHalves(state, decoder.decode(raw, 0, raw.length, 64)!.shape.value!);
    };
    expect(value('88 3f')).toEqual(linear(0, 0xab));
    expect(value('8c 2f')).toEqual(linear(0, 0x2b));
    expect(value('48 c7 07 80 ff ff ff')).toEqual(linear(0xffff_ffff, 0xffff_ff80));
  });
});
