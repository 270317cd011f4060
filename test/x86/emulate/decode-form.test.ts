import { beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../../src/x86/decoder.ts';
import { decodeForm } from '../../../src/x86/emulate/decode-form.ts';
import type { Form } from '../../../src/x86/emulate/form.ts';
import { ROWS } from '../../../src/x86/emulate/table.ts';
import type { CodeSize } from '../../../src/x86/mode.ts';
import { sample } from '../generate.ts';
import { bytes, random } from '../support.ts';
import { realCode } from '../text-bytes.ts';

let decoder: Decoder;
beforeAll(async () => {
  decoder = await Decoder.load();
});

/** Families of names: the table has one row for what assemblers name by operand size, condition or predicate. */
const ALIASES: Readonly<Record<string, RegExp>> = {
  cwde: /^(cbw|cwde|cdqe)$/,
  cdq: /^(cwd|cdq|cqo)$/,
  pushfq: /^pushf[dq]?$/,
  popfq: /^popf[dq]?$/,
  iret: /^iret[dq]?$/,
  sysret: /^sysretq?$/,
  jrcxz: /^j[er]?cxz$/,
  xchg: /^(xchg|nop|pause)$/,
  mov: /^mov(abs)?$/,
  fwait: /^wait$/,
  nop: /^nop|^endbr|^rdssp/,
  prefetch: /^(prefetch|nop)/,
  prefetchw: /^prefetch/,
  movd: /^mov[dq]$/,
  vmovd: /^vmov[dq]$/,
  pinsrd: /^pinsr[dq]$/,
  vpinsrd: /^vpinsr[dq]$/,
  pextrd: /^pextr[dq]$/,
  vpextrd: /^vpextr[dq]$/,
  vzeroupper: /^vzero(upper|all)$/,
  movsd: /^movs[wdq]$/,
  stosd: /^stos[wdq]$/,
  lodsd: /^lods[wdq]$/,
  scasd: /^scas[wdq]$/,
  cmpsd: /^cmp.*(s[wdq]|sd)$/,
  fxsave: /^fxsave(64)?$/,
  fxrstor: /^fxrstor(64)?$/,
  xsave: /^xsave(64)?$/,
  xrstor: /^xrstor(64)?$/,
  xsaveopt: /^xsaveopt(64)?$/,
  xsavec: /^xsavec(64)?$/,
  xsaves: /^xsaves(64)?$/,
  xrstors: /^xrstors(64)?$/,
  sal: /^sh?al|shl$/,
};

function sameName(ours: string, theirs: string): boolean {
  if (ours === theirs || ALIASES[ours]?.test(theirs)) return true;
  // Compares with a predicate have a name each: cmpltps, vcmpneq_oqsd.
  const compare = /^(v?cmp)([ps][sd])$/.exec(ours);
  if (compare) return theirs.startsWith(compare[1]!) && theirs.endsWith(compare[2]!);
  const integers = /^vpcmp(u?[bwdq])$/.exec(ours);
  return integers !== null && theirs.startsWith('vpcmp') && theirs.endsWith(integers[1]!);
}

/**
 * Where this capstone reads otherwise than the SDM and the CPU: UD0 and UD1 without their operand, hint NOPs, and a 66 prefix before a near
 * branch, which it sometimes takes to shorten the offset.
 */
function beyondCapstone(form: Form): boolean {
  const { name, near } = form.row;
  if (name === 'ud0' || name === 'ud1' || (near && form.bytes.includes(0x66))) return true;
  return form.modrm >= 0xc0 && ['prefetch', 'nop', 'lfence', 'mfence', 'sfence'].includes(name);
}

/** A LOCK where none may be: both mean #UD. */
const badLock = (form: Form): boolean => form.lock && !(form.row.lockable && form.operands[0]?.kind === 'memory');

/** What is wrong with our reading of `code`, or undefined. */
function disagreement(code: Uint8Array, at: number, mode: CodeSize): string | undefined {
  const form = decodeForm(code, at, 15, mode);
  if (!form || badLock(form) || beyondCapstone(form)) return undefined;
  const theirs = decoder.decode(code, at, 15, mode);
  // It lacks forms that the CPU has (VEX.W where it is ignored, MOVSXD without REX.W): those are the differential tests' part.
  if (!theirs || (theirs.size === form.size && sameName(form.row.name, theirs.mnemonic))) return undefined;
  const hex = Buffer.from(code.subarray(at, at + form.size)).toString('hex');
  return `${mode}-bit ${hex}: ${form.row.name}, ${form.size} bytes; capstone has ${theirs.text}, ${theirs.size} bytes`;
}

describe('decodeForm', () => {
  it('agrees with capstone on 150,000 random strings: length and name', { timeout: 120_000 }, () => {
    const seed = 0xf0f0;
    const next = random(seed);
    const wrong = new Set<string>();
    let compared = 0;
    for (let i = 0; i < 150_000; i++) {
      const code = Uint8Array.from({ length: 15 }, () => next() >>> 11);
      if (i % 3 === 1) code[0] = 0x0f;
      if (i % 3 === 2) code[0] = next() % 2 ? 0xc5 : 0xc4;
      const mode = i % 7 === 0 ? 32 : i % 11 === 0 ? 16 : 64;
      if (decodeForm(code, 0, 15, mode) && decoder.decode(code, 0, 15, mode)) compared++;
      const text = disagreement(code, 0, mode);
      if (text) wrong.add(text);
    }
    expect(compared).toBeGreaterThan(50_000);
    expect([...wrong].join('\n')).toBe('');
  });

  it('agrees with capstone on every row of the table, in 200 encodings each', { timeout: 120_000 }, () => {
    const next = random(0xa11);
    const wrong = new Set<string>();
    const unseen: string[] = [];
    for (const row of ROWS) {
      let seen = 0;
      for (let i = 0; i < 200; i++) {
        const made = sample(row, next, i % 2 === 0);
        if (!made) continue;
        const padded = new Uint8Array(16).fill(0x90);
        padded.set(made.bytes);
        if (decodeForm(padded, 0, 15, 64)?.row === row) seen++;
        const text = disagreement(padded, 0, 64);
        if (text) wrong.add(text);
      }
      if (seen === 0 && row.modes !== 'legacy') unseen.push(`${row.encoding} ${row.name}`);
    }
    expect([...wrong].join('\n')).toBe('');
    expect(unseen).toEqual([]);
  });

  it('agrees with capstone on a real program, and covers nearly all of it', { timeout: 120_000 }, () => {
    const { file, bytes: code } = realCode(128 * 1024);
    const wrong = new Set<string>();
    let [ours, all] = [0, 0];
    for (let at = 0; at < code.length - 15; ) {
      const theirs = decoder.decode(code, at, 15, 64);
      if (theirs) all++;
      if (theirs && decodeForm(code, at, 15, 64)) ours++;
      const text = disagreement(code, at, 64);
      if (text) wrong.add(text);
      at += theirs?.size ?? 1;
    }
    console.log(`${ours} of ${all} instructions of ${file} are in the table`);
    expect([...wrong].join('\n')).toBe('');
    expect(ours / all).toBeGreaterThan(0.98);
  });

  it.each([
    ['66 0f 6f 07', 'movdqa', 4],
    ['f3 66 0f 6f 07', 'movdqu', 5],
    ['66 f3 0f b8 c1', 'popcnt', 5],
    ['f0 48 0f c7 0f', 'cmpxchg16b', 5],
    ['c4 e2 78 f2 c1', 'andn', 5],
    ['0f 01 f8', 'swapgs', 3],
    ['48 0f 07', 'sysret', 3],
  ])('%s is %s', (text, name, size) => {
    const code = bytes(text);
    const form = decodeForm(code, 0, code.length, 64);
    expect([form?.row.name, form?.size]).toEqual([name, size]);
    // Cut short by one byte it is not there.
    expect(decodeForm(code, 0, code.length - 1, 64)?.size ?? 0).toBeLessThan(code.length);
  });

  it('knows no VEX with prefixes that it excludes, and no vvvv where none is meant', () => {
    for (const text of ['66 c5 fe 6f 07', '48 c5 fe 6f 07', 'f0 c5 fe 6f 07', 'c5 ee 6f 07']) {
      expect(decodeForm(bytes(text), 0, bytes(text).length, 64), text).toBeUndefined();
    }
  });
});
