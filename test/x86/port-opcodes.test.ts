import { beforeAll, describe, expect, it } from 'vitest';
import { Disassembler } from '../../src/x86/disassembler.ts';
import { isPortOpcode, portInstruction } from '../../src/x86/port-opcodes.ts';

let disassembler: Disassembler;
beforeAll(async () => {
  disassembler = await Disassembler.load();
});

const MODES = [16, 32, 64] as const;
const PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x40, 0x48, 0x4f];

/** No prefix, one, or two. */
const HEADS = [[], ...PREFIXES.map(p => [p]), ...PREFIXES.flatMap(p => PREFIXES.map(q => [p, q]))];

describe('IN and OUT without the disassembler', () => {
  it('reads each of them as the disassembler does, in every mode, behind every pair of prefixes', () => {
    let read = 0;
    for (const mode of MODES) {
      for (const head of HEADS) {
        for (let opcode = 0; opcode < 256; opcode++) {
          const code = Uint8Array.from([...head, opcode, 0x71, 0x90]);
          const ours = portInstruction(code, 0, code.length, mode);
          if (!ours) continue;
          expect(ours, `${mode}: ${code}`).toEqual(disassembler.read(code, mode));
          read++;
        }
      }
    }
    expect(read).toBeGreaterThan(3 * 8 * 100);
  });

  it('leaves nothing to the disassembler that is one of them', () => {
    for (const mode of MODES) {
      for (const head of HEADS) {
        for (let opcode = 0; opcode < 256; opcode++) {
          const code = Uint8Array.from([...head, opcode, 0x09, 0x90]);
          const theirs = disassembler.read(code, mode);
          const isPort = /^(?:\w+ )*(?:in|out)$/.test(theirs?.mnemonic ?? '') && !head.includes(0xf0);
          if (isPort) expect(portInstruction(code, 0, code.length, mode), `${mode}: ${code}`).toEqual(theirs);
        }
      }
    }
  });

  it('knows the eight opcodes', () => {
    const known = Array.from({ length: 256 }, (_, i) => i).filter(isPortOpcode);
    expect(known).toEqual([0xe4, 0xe5, 0xe6, 0xe7, 0xec, 0xed, 0xee, 0xef]);
  });

  it('does not read a port byte that is not there', () => {
    expect(portInstruction(Uint8Array.of(0xe6, 0x80), 0, 1, 64)).toBeUndefined();
    expect(portInstruction(Uint8Array.of(0x66), 0, 1, 64)).toBeUndefined();
    expect(portInstruction(Uint8Array.of(0x90, 0xe6, 0x80), 1, 2, 64)).toMatchObject({ size: 2, opStr: '0x80, al' });
  });
});
