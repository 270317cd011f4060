import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCached } from '../../src/host/read-cached.ts';

const folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
const content = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
writeFileSync(join(folder, 'file'), content);
const fd = openSync(join(folder, 'file'), 'r');
afterAll(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

describe('a read from the page cache', () => {
  it('fills scattered buffers, or says that it cannot', () => {
    const target = new Uint8Array(300);
    const count = readCached(fd, 50, [target.subarray(100, 200), target.subarray(10, 20)]);
    // Some file systems cannot tell what is cached; what counts is that bytes are never made up.
    expect([110, 0, undefined]).toContain(count);
    const expected = new Uint8Array(300);
    if (count === 110) {
      expected.set(content.subarray(50, 150), 100);
      expected.set(content.subarray(150, 160), 10);
    }
    expect(target).toEqual(expected);
  });

  it('leaves what it cannot address to others', () => {
    expect(readCached(fd, 0, [new Uint8Array(new SharedArrayBuffer(8))])).toBe(0);
    expect(readCached(fd, 0, Array<Uint8Array>(65).fill(new Uint8Array(1)))).toBe(0);
    expect(readCached(-1, 0, [new Uint8Array(8)])).toBeUndefined();
  });
});
