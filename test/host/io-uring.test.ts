import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IoUring } from '../../src/host/io-uring.ts';
import { Rings } from '../../src/host/io-uring-rings.ts';
import { Random } from '../devices/random.ts';

const supported = (() => {
  const ring = IoUring.open();
  ring?.close();
  return ring !== undefined;
})();

describe.skipIf(!supported)('io_uring', () => {
  let folder: string;
  let path: string;
  let fd: number;
  let ring: IoUring;
  const content = new Random(6).bytes(1 << 20);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tslaunch-uring-'));
    path = join(folder, 'file');
    writeFileSync(path, content);
    fd = openSync(path, 'r+');
    ring = IoUring.open()!;
  });
  afterEach(() => {
    ring.close();
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it('reads and writes scattered buffers', async () => {
    const parts = [1, 511, 0, 4096, 3].map(length => new Uint8Array(length));
    expect(await ring.readv(fd, parts, 1000)).toBe(4611);
    expect(Buffer.concat(parts).equals(content.subarray(1000, 5611))).toBe(true);
    expect(await ring.writev(fd, [Uint8Array.of(1, 2), Uint8Array.of(3)], 77)).toBe(3);
    expect([...readFileSync(path).subarray(76, 81)]).toEqual([content[76], 1, 2, 3, content[80]]);
  });

  it('reads short at the end of the file', async () => {
    expect(await ring.readv(fd, [new Uint8Array(100)], content.length - 10)).toBe(10);
    expect(await ring.readv(fd, [new Uint8Array(100)], content.length + 10)).toBe(0);
  });

  it('reaches far into a file', async () => {
    expect(await ring.writev(fd, [Uint8Array.of(9)], 2 ** 40 + 5)).toBe(1);
    const byte = new Uint8Array(1);
    expect(await ring.readv(fd, [byte], 2 ** 40 + 5)).toBe(1);
    expect(byte[0]).toBe(9);
  });

  it('fails as the system call would', async () => {
    await expect(ring.readv(9999, [new Uint8Array(1)], 0)).rejects.toMatchObject({ code: 'EBADF', syscall: 'readv' });
    const readOnly = openSync(path, 'r');
    await expect(ring.writev(readOnly, [new Uint8Array(1)], 0)).rejects.toMatchObject({ code: 'EBADF' });
    closeSync(readOnly);
    const directory = openSync(folder, 'r');
    await expect(ring.readv(directory, [new Uint8Array(1)], 0)).rejects.toMatchObject({ code: 'EISDIR' });
    closeSync(directory);
  });

  it('has as many under way as anybody wants, each with its own result', async () => {
    const seed = 77;
    const random = new Random(seed);
    const requests = Array.from({ length: 5000 }, () => {
      const at = random.below(content.length);
      const parts = Array.from({ length: 1 + random.below(6) }, () => new Uint8Array(random.below(300)));
      return { at, parts, count: ring.readv(fd, parts, at) };
    });
    for (const { at, parts, count } of requests) {
      const wanted = parts.reduce((sum, part) => sum + part.length, 0);
      const expected = Buffer.from(content.subarray(at, at + wanted));
      expect(await count, `seed ${seed}`).toBe(expected.length);
      const bytes = Buffer.concat(parts);
      expect(bytes.subarray(0, expected.length).equals(expected), `seed ${seed}`).toBe(true);
    }
  });

  it('takes many buffers in many requests', async () => {
    const parts = Array.from({ length: 1024 }, (_, i) => new Uint8Array(16).fill(i));
    await Promise.all(Array.from({ length: 40 }, (_, n) => ring.writev(fd, parts, n * 16_384)));
    const whole = Buffer.concat(parts);
    const now = readFileSync(path);
    for (let n = 0; n < 40; n++) expect(now.subarray(n * 16_384, (n + 1) * 16_384).equals(whole)).toBe(true);
  });

  it('mixes reads and writes for a while', async () => {
    const seed = 78;
    const random = new Random(seed);
    const shadow = Buffer.from(content);
    const lane = async (first: number) => {
      for (let i = 0; i < 200; i++) {
        const at = first + random.below(200_000);
        const bytes = random.bytes(random.below(2000));
        if (random.below(2) === 0) {
          shadow.set(bytes, at);
          expect(await ring.writev(fd, [bytes], at)).toBe(bytes.length);
        } else {
          expect(await ring.readv(fd, [bytes], at)).toBe(bytes.length);
          expect(Buffer.from(bytes).equals(shadow.subarray(at, at + bytes.length)), `seed ${seed}`).toBe(true);
        }
      }
    };
    await Promise.all([0, 210_000, 420_000, 630_000].map(lane));
    expect(readFileSync(path).equals(shadow)).toBe(true);
  });

  it('gives what has not begun back when the kernel takes nothing any more', async () => {
    const { submit } = Rings.prototype;
    Rings.prototype.submit = () => 'EPERM';
    try {
      const refused = [ring.readv(fd, [new Uint8Array(1)], 0), ring.writev(fd, [new Uint8Array(1)], 0)];
      for (const each of refused) await expect(each).rejects.toMatchObject({ code: 'ENOSYS' });
    } finally {
      Rings.prototype.submit = submit;
    }
    await expect(ring.readv(fd, [new Uint8Array(1)], 0)).rejects.toMatchObject({ code: 'ENOSYS' });
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it('waits while the kernel has no room', async () => {
    const { submit } = Rings.prototype;
    let tries = 0;
    Rings.prototype.submit = function (count) {
      return tries++ < 3 ? 'EBUSY' : submit.call(this, count);
    };
    try {
      const byte = new Uint8Array(1);
      expect(await ring.readv(fd, [byte], 5)).toBe(1);
      expect(byte[0]).toBe(content[5]);
    } finally {
      Rings.prototype.submit = submit;
    }
    expect(tries).toBeGreaterThan(3);
  });

  it('leaves no descriptor behind', () => {
    const count = () => readdirSync('/proc/self/fd').length;
    const before = count();
    IoUring.open()!.close();
    expect(count()).toBe(before);
  });
});
