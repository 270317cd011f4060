import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_BUFFERS, readVector, Vectors, writeVector } from '../../src/host/iovec.ts';
import { libc } from '../../src/host/libc.ts';

describe('vectored reads and writes', () => {
  let directory: string;
  let fd: number;
  const path = () => join(directory, 'file');
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tslaunch-iovec-'));
    fd = openSync(path(), 'w+');
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  });

  it('move bytes across pieces of any memory, in order', () => {
    const memory = new Uint8Array(100).map((_, i) => i);
    const pieces = [memory.subarray(90), memory.subarray(3, 3), memory.subarray(0, 5), Uint8Array.of(7)];
    expect(writeVector(fd, pieces)).toBe(16);
    expect([...readFileSync(path())]).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 0, 1, 2, 3, 4, 7]);
    const again = openSync(path(), 'r');
    const into = new Uint8Array(new ArrayBuffer(40), 8);
    expect(readVector(again, [into.subarray(20, 26), into.subarray(0, 20)])).toBe(16);
    closeSync(again);
    expect([...into.subarray(20, 26), ...into.subarray(0, 10)]).toEqual([...readFileSync(path())]);
  });

  it('describe pieces of several memories, from any entry on', () => {
    const one = Uint8Array.from({ length: 64 }, (_, i) => i);
    const two = new Uint8Array(64).fill(200);
    const vectors = new Vectors(4);
    vectors.fill([two, one.subarray(7, 9), two.subarray(0, 1), one.subarray(0, 1)]);
    vectors.fill([one.subarray(5, 6), two.subarray(1, 2)], 2);
    const writev = libc.func('intptr_t writev(int fd, uintptr_t iov, int count)');
    expect(writev(fd, vectors.at(1), 3)).toBe(4);
    expect([...readFileSync(path())]).toEqual([7, 8, 5, 200]);
  });

  it('take as many pieces as the kernel does, and no more', () => {
    const bytes = Array.from({ length: MAX_BUFFERS }, (_, i) => Uint8Array.of(i));
    expect(writeVector(fd, bytes)).toBe(MAX_BUFFERS);
    expect(readFileSync(path())[1000]).toBe(1000 & 0xff);
    expect(() => writeVector(fd, [...bytes, Uint8Array.of(0)])).toThrow(RangeError);
  });

  it('say by name what went wrong', () => {
    expect(readVector(-1, [new Uint8Array(1)])).toBe('EBADF');
    expect(writeVector(-1, [new Uint8Array(1)])).toBe('EBADF');
  });
});
