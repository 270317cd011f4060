import { beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/x86/decoder.ts';
import type { CodeSize } from '../../src/x86/mode.ts';
import { bytes, random } from './support.ts';
import { realCode } from './text-bytes.ts';

let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.load();
});

const decode = (text: string, mode: CodeSize = 64) => {
  const code = bytes(text);
  return decoder.decode(code, 0, code.length, mode);
};

describe('Decoder', () => {
  it.each([
    ['89 07', 64, 'mov dword ptr [rdi], eax', 'write', 4],
    ['8a 67 01', 64, 'mov ah, byte ptr [rdi + 1]', 'read', 1],
    ['65 8b 04 25 28 00 00 00', 64, 'mov eax, dword ptr gs:[0x28]', 'read', 4],
    ['f0 0f b1 0f', 64, 'lock cmpxchg dword ptr [rdi], ecx', 'read-modify-write', 4],
    ['f0 48 0f c7 0f', 64, 'lock cmpxchg16b xmmword ptr [rdi]', 'read-modify-write', 16],
    ['0f a3 07', 64, 'bt dword ptr [rdi], eax', 'read', 4],
    ['ff 37', 64, 'push qword ptr [rdi]', 'read', 8],
    ['8f 07', 64, 'pop qword ptr [rdi]', 'write', 8],
    ['c5 fe 6f 07', 64, 'vmovdqu ymm0, ymmword ptr [rdi]', 'read', 32],
    ['c5 fe 7f 07', 64, 'vmovdqu ymmword ptr [rdi], ymm0', 'write', 32],
    ['0f c3 07', 64, 'movnti dword ptr [rdi], eax', 'write', 4],
    ['0f 94 07', 64, 'sete byte ptr [rdi]', 'write', 1],
    ['f7 37', 64, 'div dword ptr [rdi]', 'read', 4],
    ['48 8d 47 f8', 64, 'lea rax, [rdi - 8]', 'none', 0],
    ['0f 18 07', 64, 'prefetchnta byte ptr [rdi]', 'none', 0],
    ['66 ef', 64, 'out dx, ax', 'out', 2],
    ['e4 60', 32, 'in al, 0x60', 'in', 1],
    ['f3 66 a5', 16, 'rep movsd dword ptr es:[di], dword ptr [si]', 'string', 4],
    ['f3 6d', 32, 'rep insd dword ptr es:[edi], dx', 'in', 4],
    ['6e', 64, 'outsb dx, byte ptr [rsi]', 'out', 1],
    ['f2 0f 10 07', 64, 'movsd xmm0, qword ptr [rdi]', 'read', 8],
  ] as const)('%s in %i-bit code is "%s"', (code, mode, text, operation, width) => {
    const instruction = decode(code, mode);
    expect(instruction?.text).toBe(text);
    expect(instruction?.size).toBe(bytes(code).length);
    expect(instruction?.shape).toMatchObject({ operation, width });
  });

  it('tells the addresses of both sides of a string move', () => {
    const touches = decode('a5')!.shape.touches.map(touch => [touch.direction, touch.operand.base?.name]);
    expect(touches).toEqual([
      ['write', 'rdi'],
      ['read', 'rsi'],
    ]);
    const compared = decode('a6')!.shape.touches.map(touch => [touch.direction, touch.operand.base?.name]);
    expect(compared).toEqual([
      ['read', 'rsi'],
      ['read', 'rdi'],
    ]);
  });

  it('reads prefixes', () => {
    expect(decode('f2 f0 0f b1 0f')!.prefixes).toMatchObject({ lock: true, repeat: 'repne' });
    expect(decode('66 67 8b 07')!.prefixes).toMatchObject({ operandSize: true, addressSize: true });
    expect(decode('48 89 07')!.prefixes).toMatchObject({ rex: 0x48, length: 1 });
  });

  it('has no instruction for nothing, for a cut one, and for what 64-bit mode took away', () => {
    expect(decoder.decode(new Uint8Array(0), 0, 0, 64)).toBeUndefined();
    expect(decode('48')).toBeUndefined();
    expect(decode('c7 07 01 02')).toBeUndefined();
    expect(decode('06')).toBeUndefined();
  });

  it('finds a decoded instruction again by its bytes, and notices changed ones', () => {
    const code = bytes('c7 07 01 02 03 04 90 90');
    const first = decoder.decode(code, 0, 8, 64);
    const { hits, misses } = decoder;
    expect(decoder.decode(code, 0, 8, 64)).toBe(first);
    expect(decoder.hits).toBe(hits + 1);
    code[5] = 0x55;
    const changed = decoder.decode(code, 0, 8, 64);
    expect(changed?.text).toBe('mov dword ptr [rdi], 0x55030201');
    expect(decoder.misses).toBe(misses + 1);
    expect(decoder.decode(code, 0, 5, 64)).toBeUndefined();
  });

  it('keeps modes apart', () => {
    expect(decode('89 07', 16)?.text).toBe('mov word ptr [bx], ax');
    expect(decode('89 07', 32)?.text).toBe('mov dword ptr [edi], eax');
    expect(decode('89 07', 64)?.text).toBe('mov dword ptr [rdi], eax');
  });
});

describe('any bytes', () => {
  it('100,000 random strings decode or not, and never throw', { timeout: 120_000 }, () => {
    const seed = 0xdec0de;
    const next = random(seed);
    const modes = [16, 32, 64] as const;
    const code = new Uint8Array(15);
    let decoded = 0;
    const unparsed = new Set<string>();
    for (let i = 0; i < 100_000; i++) {
      for (let j = 0; j < 15; j++) code[j] = next() >>> 13;
      if (i % 3 === 0) code[0] = 0x0f;
      const available = 1 + (next() % 15);
      const instruction = decoder.decode(code, 0, available, modes[i % 3]!);
      if (!instruction) continue;
      decoded++;
      if (instruction.size < 1 || instruction.size > available) throw new Error(`seed ${seed}, round ${i}`);
      if (!instruction.operands) unparsed.add(instruction.text);
    }
    expect(decoded).toBeGreaterThan(50_000);
    expect([...unparsed]).toEqual([]);
    expect(decoder.cache.size).toBeLessThanOrEqual(32_768);
  });

  it('2,000 distinct instructions of a real program all have operands', { timeout: 120_000 }, () => {
    const { file, bytes: code } = realCode(64 * 1024);
    const seen = new Set<string>();
    for (let at = 0; at < code.length - 15 && seen.size < 4000; ) {
      const instruction = decoder.decode(code, at, 15, 64);
      if (instruction) {
        seen.add(instruction.text);
        expect(instruction.operands, `${file}: ${instruction.text}`).toBeDefined();
      }
      at += instruction?.size ?? 1;
    }
    console.log(`${seen.size} distinct instructions from ${file}`);
    expect(seen.size).toBeGreaterThanOrEqual(2000);
  });
});
