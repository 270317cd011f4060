import { describe, expect, it } from 'vitest';
import { readBytes, readIntoGuest } from '../../src/boot/source.ts';
import { MIB, memoryOf, refusal, TestFile } from './support/guest.ts';

const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) & 0xff);

describe('reading a file', () => {
  it('goes on after short reads', () => {
    const file = new TestFile('kernel', bytes);
    file.most = 13;
    expect(readBytes(file, 100, 1000)).toEqual(bytes.slice(100, 1100));
  });

  it('says so when the file has become shorter', () => {
    const file = new TestFile('kernel', bytes);
    expect(refusal(() => readBytes(file, 9_000, 1001))).toBe(
      'kernel ends at byte 10000, before all of it was read. Copy it again.',
    );
  });

  it('goes straight into guest memory, across mappings', () => {
    const memory = memoryOf([0, MIB], [MIB, MIB]);
    readIntoGuest(new TestFile('kernel', bytes), 10, memory, MIB - 5000, 9000);
    const back = new Uint8Array(9000);
    memory.read(MIB - 5000, back);
    expect(back).toEqual(bytes.slice(10, 9010));
    expect([memory.u8(MIB - 5001), memory.u8(MIB + 4000)]).toEqual([0, 0]);
  });

  it('moves at most 64 MiB at once', () => {
    const file = { path: 'large', size: 100 * MIB, lengths: [] as number[] };
    const source = {
      ...file,
      readInto: (_: number, target: Uint8Array) => {
        file.lengths.push(target.length);
        return target.length;
      },
    };
    readIntoGuest(source, 0, memoryOf([0, 128 * MIB]), 0, 100 * MIB);
    expect(file.lengths).toEqual([64 * MIB, 36 * MIB]);
  });
});
