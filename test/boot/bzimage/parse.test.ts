import { describe, expect, it } from 'vitest';
import { isBzImage, parseBzImage, protocol } from '../../../src/boot/bzimage/parse.ts';
import { type BzImageSpec, bzImageFile } from '../support/bzimage-file.ts';
import { refusal } from '../support/guest.ts';

const parse = (spec: BzImageSpec = {}) => {
  const file = bzImageFile(spec);
  return parseBzImage(file, file.bytes.subarray(0, 0x8010));
};

describe('isBzImage', () => {
  it('wants the mark and the boot flag', () => {
    const { bytes } = bzImageFile();
    expect(isBzImage(bytes)).toBe(true);
    expect(isBzImage(bytes.with(0x202, 0))).toBe(false);
    expect(isBzImage(bytes.with(0x1fe, 0))).toBe(false);
    expect(isBzImage(bytes.subarray(0, 0x260))).toBe(false);
    expect(isBzImage(new Uint8Array(0))).toBe(false);
  });
});

describe('parseBzImage', () => {
  it('reads a modern header', () => {
    expect(parse()).toMatchObject({
      ...{ version: 0x20f, offset: 3 * 512, size: 4096, entry64: true, loadAddress: 0x10_0000 },
      ...{ initSize: 0x10_0000, initrdMax: 0x7fff_ffff, initrdAbove4G: true, commandLineMax: 2047 },
    });
  });

  it('takes the header over from 0x1f1 to where its jump says it ends', () => {
    const { setupHeader } = parse();
    expect(setupHeader.length).toBe(0x202 + 0x6a - 0x1f1);
    expect([...setupHeader.subarray(0x202 - 0x1f1, 0x206 - 0x1f1)]).toEqual([...'HdrS'].map(c => c.charCodeAt(0)));
    expect(parse({ headerLength: 0xff }).setupHeader.length).toBe(0x290 - 0x1f1);
  });

  it('takes no setup sectors for four', () => {
    expect(parse({ setupSects: 0 }).offset).toBe(5 * 512);
  });

  it('has a 64-bit entry only where the kernel says so, since 2.12', () => {
    expect(parse({ xloadflags: 0 }).entry64).toBe(false);
    expect(parse({ version: 0x20b }).entry64).toBe(false);
    expect(parse({ version: 0x20c }).entry64).toBe(true);
    expect(parse({ version: 0x20b }).initrdAbove4G).toBe(false);
  });

  it('prefers the address that the kernel prefers, since 2.10', () => {
    expect(parse({ prefAddress: 0x100_0000n }).loadAddress).toBe(0x100_0000);
    expect(parse({ prefAddress: 0n, relocatable: false }).loadAddress).toBe(0x10_0000);
    expect(parse({ prefAddress: 0n }).loadAddress).toBe(0x20_0000);
    expect(parse({ version: 0x209, prefAddress: 0x100_0000n, alignment: 0x40_0000 }).loadAddress).toBe(0x40_0000);
    expect(parse({ version: 0x206, relocatable: false }).loadAddress).toBe(0x10_0000);
  });

  it('guesses what old kernels do not say', () => {
    const old = parse({ version: 0x206, relocatable: false, initSize: 77, cmdlineSize: 0, initrdMax: 0 });
    expect(old).toMatchObject({ initSize: 4 * 4096, commandLineMax: 255, initrdMax: 0x37ff_ffff });
    expect(parse({ initSize: 0 }).initSize).toBe(4 * 4096);
  });

  it('lets the file lack what the build rounded up', () => {
    expect(parse({ missing: 15 }).size).toBe(4096 - 15);
    expect(refusal(() => parse({ missing: 16 }))).toBe(
      'bzImage is cut short: it should have 5632 bytes but has 5616. Copy the kernel again.',
    );
  });

  const refused: readonly [string, BzImageSpec, RegExp][] = [
    [
      'an old protocol',
      { version: 0x205 },
      /^bzImage is a bzImage of boot protocol 2\.05; tslaunch needs 2\.06 \(Linux 2\.6\.22\) or later\. Use/,
    ],
    ['a very old protocol', { version: 0x200 }, /boot protocol 2\.00;/],
    ['a zImage', { loadflags: 0 }, /^bzImage is a zImage, which loads below 1 MiB\. Use the bzImage/],
    ['a size of nothing', { syssize: 0 }, /is cut short/],
    [
      'an alignment that is none',
      { prefAddress: 0n, alignment: 0x12_3456 },
      /damaged setup header \(kernel_alignment 0x123456\)/,
    ],
    ['an alignment of nothing', { prefAddress: 0n, alignment: 0 }, /damaged setup header \(kernel_alignment 0x0\)/],
    ['an alignment of 2 GiB', { prefAddress: 0n, alignment: 0x8000_0000 }, /damaged setup header/],
    [
      'a preferred address above 4 GiB',
      { prefAddress: 0x1_0000_0000n },
      /damaged setup header \(pref_address 0x100000000\)/,
    ],
  ];
  for (const [what, spec, sentence] of refused) {
    it(`refuses ${what}`, () => expect(refusal(() => parse(spec))).toMatch(sentence));
  }
});

it('protocol versions read as the kernel document writes them', () => {
  expect([0x206, 0x20f, 0x20c].map(protocol)).toEqual(['2.06', '2.15', '2.12']);
});
