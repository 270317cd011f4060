import { beforeAll, describe, expect, it } from 'vitest';
import { Disassembler } from '../../src/x86/disassembler.ts';
import { instructionLength, UNKNOWN } from '../../src/x86/length.ts';
import { random } from './support.ts';

let disassembler: Disassembler;
beforeAll(async () => {
  disassembler = await Disassembler.load();
});

const SEED = 0x1e46;
const MODES = [16, 32, 64] as const;

describe('the length of an instruction', () => {
  it('is the disassembler’s, wherever both know the bytes', () => {
    const next = random(SEED);
    const wrong: string[] = [];
    let compared = 0;
    for (let i = 0; i < 60_000; i++) {
      const code = new Uint8Array(15);
      for (let at = 0; at < 15; at++) code[at] = next() & 0xff;
      // Half of them in the second table, some behind prefixes.
      if (i % 3 === 1) code[0] = 0x0f;
      if (i % 7 === 2) code.set([[0x66, 0x67, 0xf3, 0x48][next() & 3]!]);
      const mode = MODES[next() % 3]!;
      const ours = instructionLength(code, 0, 15, mode);
      const theirs = disassembler.read(code, mode);
      if (!theirs || ours === UNKNOWN) continue;
      compared++;
      if (ours !== theirs.size)
        wrong.push(
          `${mode} ${Buffer.from(code).toString('hex')} ${theirs.mnemonic} ${theirs.opStr}: ${ours}, ${theirs.size}`,
        );
    }
    expect(wrong, `seed ${SEED}`).toEqual([]);
    expect(compared).toBeGreaterThan(30_000);
  });

  it('knows the moves that drivers make', () => {
    const of = (text: string) => {
      const code = Uint8Array.from(text.split(' '), byte => Number.parseInt(byte, 16));
      return [instructionLength(code, 0, code.length, 64), code.length];
    };
    for (const text of ['89 3e', '8b 47 08', '44 89 7c 24 10', 'c7 05 00 00 00 00 01 00 00 00', '0f b6 07', '48 89 07'])
      expect(of(text)[0], text).toBe(of(text)[1]);
  });

  it('does not count bytes that are not there', () => {
    expect(instructionLength(Uint8Array.of(0xc7, 0x05, 0, 0, 0, 0, 1, 0, 0, 0), 0, 9, 64)).toBe(UNKNOWN);
    expect(instructionLength(Uint8Array.of(0x66, 0xf3), 0, 2, 64)).toBe(UNKNOWN);
  });
});
