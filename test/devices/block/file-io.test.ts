import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inSteps, readFully, writeFully } from '../../../src/devices/block/file-io.ts';
import { Random } from '../random.ts';

let folder: string;
let fd: number;
const content = new Random(1).bytes(100_000);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
  writeFileSync(join(folder, 'file'), content);
  fd = openSync(join(folder, 'file'), 'r+');
});
afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});
const buffers = (...lengths: number[]) => lengths.map(length => new Uint8Array(length));
const joined = (parts: readonly Uint8Array[]) => Buffer.concat(parts);

describe('file I/O', () => {
  it('reads into scattered buffers', async () => {
    const parts = buffers(1, 511, 4096, 3);
    expect(await readFully(fd, 1000, parts)).toBe(4611);
    expect(joined(parts)).toEqual(Buffer.from(content.subarray(1000, 5611)));
  });

  it('reads up to the end of the file and says how much came', async () => {
    expect(await readFully(fd, 99_990, buffers(8, 8))).toBe(10);
    expect(await readFully(fd, 200_000, buffers(8))).toBe(0);
    expect(await readFully(fd, 0, [])).toBe(0);
  });

  it('takes more buffers than one system call does', async () => {
    const parts = buffers(...Array<number>(2500).fill(16));
    expect(await readFully(fd, 5, parts)).toBe(40_000);
    expect(joined(parts)).toEqual(Buffer.from(content.subarray(5, 40_005)));
  });

  it('moves more bytes than one step does', async () => {
    const large = new Random(2).bytes(9 * 1024 * 1024 + 17);
    await writeFully(fd, 100, [large.subarray(0, 3), large.subarray(3)]);
    expect(readFileSync(join(folder, 'file')).subarray(100).equals(large)).toBe(true);
    const back = buffers(5_000_000, large.length - 5_000_000);
    expect(await readFully(fd, 100, back)).toBe(large.length);
    expect(joined(back).equals(large)).toBe(true);
  });

  it('continues after short transfers of any length', async () => {
    const seed = 3;
    const random = new Random(seed);
    for (let i = 0; i < 200; i++) {
      const parts = buffers(...Array.from({ length: 1 + random.below(6) }, () => 1 + random.below(50)));
      const total = parts.reduce((sum, part) => sum + part.length, 0);
      const done = await inSteps(10, parts, async (list, at) => {
        let count = 1 + random.below(60);
        let moved = 0;
        for (const part of list) {
          const length = Math.min(part.length, count);
          part.set(content.subarray(at + moved, at + moved + length));
          moved += length;
          count -= length;
        }
        return moved;
      });
      expect(done, `seed ${seed}, round ${i}`).toBe(total);
      expect(joined(parts), `seed ${seed}, round ${i}`).toEqual(Buffer.from(content.subarray(10, 10 + total)));
    }
  });

  it('passes the host’s errors on', async () => {
    const readOnly = openSync(join(folder, 'file'), 'r');
    await expect(writeFully(readOnly, 0, buffers(1))).rejects.toMatchObject({ code: 'EBADF' });
    closeSync(readOnly);
    await expect(readFully(readOnly, 0, buffers(1))).rejects.toMatchObject({ code: 'EBADF' });
  });
});
