import { describe, expect, it } from 'vitest';
import { type MemoryOperand, parseOperands } from '../../src/x86/operands.ts';
import { registerNamed } from '../../src/x86/registers.ts';

const memoryIn = (text: string): MemoryOperand => {
  const found = parseOperands(text)?.find(operand => operand.kind === 'memory');
  if (found?.kind !== 'memory') throw new Error(`no memory operand in ${text}`);
  return found;
};

describe('parseOperands', () => {
  it.each([
    ['dword ptr [rdi], eax', { base: 'rdi', index: undefined, scale: 1, lo: 0, hi: 0, width: 4 }],
    ['al, byte ptr [rdi + 1]', { base: 'rdi', lo: 1, hi: 0, width: 1 }],
    ['rax, [rdi - 8]', { base: 'rdi', lo: 0xffff_fff8, hi: 0xffff_ffff, width: 0 }],
    ['qword ptr gs:[rax + rcx*4 - 0x10], rdx', { segment: 'gs', base: 'rax', index: 'rcx', scale: 4, lo: 0xffff_fff0 }],
    ['eax, dword ptr [0x1122334455667788]', { base: undefined, lo: 0x5566_7788, hi: 0x1122_3344, width: 4 }],
    ['eax, dword ptr [rip + 0x10]', { base: 'rip', lo: 0x10, hi: 0 }],
    ['ax, word ptr es:[bp + si]', { segment: 'es', base: 'bp', index: 'si', scale: 1, width: 2 }],
    ['byte ptr es:[edi], dx', { segment: 'es', base: 'edi', width: 1 }],
    ['ymm0, ymmword ptr [r9 + riz*2]', { base: 'r9', index: undefined, scale: 2, width: 32 }],
    ['zmm0 {k1} {z}, zmm0, dword ptr [rdi]{1to16}', { base: 'rdi', width: 4 }],
    ['ptr [rdi]', { base: 'rdi', width: 0 }],
    ['xword ptr [rdi]', { base: 'rdi', width: 10 }],
    ['eax, dword ptr [rcx*8]', { base: undefined, index: 'rcx', scale: 8 }],
  ])('reads the memory operand of "%s"', (text, wanted) => {
    const { base, index, displacement, ...rest } = memoryIn(text);
    expect({ base: base?.name, index: index?.name, ...displacement, ...rest }).toMatchObject(wanted);
  });

  it('reads registers, immediates and far pointers', () => {
    expect(parseOperands('ah, 0x60')).toEqual([registerNamed('ah'), { kind: 'immediate', value: 0x60n }]);
    expect(parseOperands('-1')).toEqual([{ kind: 'immediate', value: 0xffff_ffff_ffff_ffffn }]);
    expect(parseOperands('8:0')).toEqual([{ kind: 'far', text: '8:0' }]);
    expect(parseOperands('')).toEqual([]);
  });

  it('knows high and extended byte registers', () => {
    expect(registerNamed('bh')).toMatchObject({ number: 3, width: 1, high: true });
    expect(registerNamed('sil')).toMatchObject({ number: 6, width: 1, high: false });
    expect(registerNamed('r15b')).toMatchObject({ number: 15, width: 1 });
    expect(registerNamed('ax')).toMatchObject({ number: 0, width: 2 });
  });

  it('says so when it does not know a form', () => {
    expect(parseOperands('dword ptr [rax + what]')).toBeUndefined();
    expect(parseOperands('qwerty')).toBeUndefined();
  });
});
