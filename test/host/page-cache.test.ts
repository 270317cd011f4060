import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCached, writeCached } from '../../src/host/page-cache.ts';

const folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
const content = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
writeFileSync(join(folder, 'file'), content);
const fd = openSync(join(folder, 'file'), 'r+');
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

  it('that is not cached says so, and does not count against the file', () => {
    const there = readCached(fd, 0, [new Uint8Array(100)]);
    // Writes the file back and drops it from the page cache.
    execFileSync(
      'dd',
      [`of=${join(folder, 'file')}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0', 'status=none'],
      {
        input: '',
      },
    );
    const gone = readCached(fd, 0, [new Uint8Array(100)]);
    if (there === undefined) expect(gone).toBeUndefined();
    else expect([0, 100]).toContain(gone);
  });

  it('leaves what it cannot address to others', () => {
    expect(readCached(fd, 0, [new Uint8Array(new SharedArrayBuffer(8))])).toBe(0);
    expect(readCached(fd, 0, Array<Uint8Array>(65).fill(new Uint8Array(1)))).toBe(0);
    expect(readCached(-1, 0, [new Uint8Array(8)])).toBeUndefined();
  });
});

describe('a write to the page cache', () => {
  it('is there for others at once as far as it says, or says that it cannot be', () => {
    const path = join(folder, 'written');
    writeFileSync(path, new Uint8Array(8192));
    const target = openSync(path, 'r+');
    const [one, two] = [new Uint8Array(100).fill(1), new Uint8Array(4000).fill(2)];
    const count = writeCached(target, 50, [one, two]);
    const now = readFileSync(path);
    closeSync(target);
    const expected = Buffer.alloc(8192);
    Buffer.concat([one, two]).copy(expected, 50, 0, count ?? 0);
    expect(now.equals(expected)).toBe(true);
  });

  it('leaves what fails, and what it cannot address, to others', () => {
    expect(writeCached(-1, 0, [new Uint8Array(8)])).toBe(0);
    expect(writeCached(fd, 0, [new Uint8Array(new SharedArrayBuffer(8))])).toBe(0);
  });
});
