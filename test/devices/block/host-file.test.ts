import { execFileSync, spawnSync } from 'node:child_process';
import { fdatasync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KiB, MiB } from '../../../src/base/bits.ts';
import { HostFile } from '../../../src/devices/block/host-file.ts';
import { RawFile } from '../../../src/devices/block/raw-file.ts';
import { misalignment } from '../../../src/host/file-space.ts';
import { Random } from '../random.ts';

// A sync that fails on demand.
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, fdatasync: vi.fn(fs.fdatasync) };
});

let folder: string;
let path: string;
const content = new Random(8).bytes(MiB);
const closing: (() => Promise<void> | void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-file-'));
  path = join(folder, 'disk.img');
  writeFileSync(path, content);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(folder, { recursive: true });
});
async function opened(options: Partial<Parameters<typeof HostFile.open>[1]> = {}, name = path): Promise<HostFile> {
  const file = await HostFile.open(name, { readOnly: false, ...options });
  closing.push(() => file.close());
  return file;
}
/** Memory at an address that is `off` bytes past a page. */
function memory(length: number, off = 0): Uint8Array {
  const room = new Uint8Array(length + 8192);
  const start = 4096 - misalignment(room, 4096) + off;
  return room.subarray(start, start + length);
}
const isZero = (bytes: Uint8Array) => bytes.every(byte => byte === 0);
const blocks = () => statSync(path).blocks * 512;

describe('a closed file', () => {
  it('is not touched any more, whoever has its descriptors now', async () => {
    const file = await HostFile.open(path, { readOnly: false });
    await file.close();
    const sector = new Uint8Array(512);
    await expect(file.flush()).rejects.toThrow('the image is closed');
    expect(() => file.read(0, [sector])).toThrow('the image is closed');
    expect(() => file.write(0, [sector], false)).toThrow('the image is closed');
    expect(() => file.lengthNow()).toThrow('the image is closed');
  });
});

describe('a file past the page cache', () => {
  it.each([
    ['aligned', 0, 4096, 65_536],
    ['to a sector', 512, 512, 1536],
    ['not in memory', 3, 4096, 4096],
    ['not in length', 0, 4096, 1000],
    ['not in the file', 0, 100, 4096],
  ])('reads and writes what is %s', async (_what, off, offset, length) => {
    const file = await opened({ direct: true });
    for (const durable of [false, true]) {
      const bytes = memory(length, off);
      bytes.set(new Random(9).bytes(length));
      await file.write(offset, [bytes], durable);
      const back = memory(length, off);
      expect(await file.read(offset, [back])).toBe(length);
      expect(Buffer.from(back).equals(bytes)).toBe(true);
      expect(
        readFileSync(path)
          .subarray(offset, offset + length)
          .equals(bytes),
      ).toBe(true);
      expect(readFileSync(path).subarray(0, offset).equals(content.subarray(0, offset))).toBe(true);
    }
  });

  it('sees what was written through the page cache, and the other way round', async () => {
    const file = await opened({ direct: true });
    await file.write(4096, [memory(512, 1).fill(1)], false);
    const sector = memory(512);
    await file.read(4096, [sector]);
    expect(sector.every(byte => byte === 1)).toBe(true);
    await file.write(4096, [memory(512).fill(2)], false);
    const odd = memory(512, 1);
    await file.read(4096, [odd]);
    expect(odd.every(byte => byte === 2)).toBe(true);
  });

  it('may end anywhere', async () => {
    truncateSync(path, 10_000);
    const file = await opened({ direct: true });
    const bytes = memory(16_384);
    expect(await file.read(0, [bytes])).toBe(10_000);
    expect(Buffer.from(bytes.subarray(0, 10_000)).equals(content.subarray(0, 10_000))).toBe(true);
  });

  it('is one file, whatever it is opened for', async () => {
    const file = await opened({ direct: true, readOnly: true });
    expect(await file.read(0, [memory(4096)])).toBe(4096);
    await expect(file.write(0, [memory(4096)], true)).rejects.toMatchObject({ code: 'EBADF' });
  });
});

describe('holes in a file', () => {
  it('take no space and read as zeroes', async () => {
    const file = await opened();
    const before = blocks();
    await file.zero(64 * KiB, 128 * KiB, true);
    await file.discard?.(512 * KiB, 128 * KiB);
    expect(blocks()).toBe(before - 256 * KiB);
    const now = readFileSync(path);
    expect(now.length).toBe(MiB);
    expect(isZero(now.subarray(64 * KiB, 192 * KiB))).toBe(true);
    expect(now.subarray(192 * KiB, 512 * KiB).equals(content.subarray(192 * KiB, 512 * KiB))).toBe(true);
  });

  it('are not made where only zeroes are asked for, to the byte', async () => {
    const file = await opened();
    const before = blocks();
    await file.zero(1000, 100_000, false);
    expect(blocks()).toBeGreaterThanOrEqual(before);
    const now = readFileSync(path);
    expect(isZero(now.subarray(1000, 101_000))).toBe(true);
    expect(now.subarray(0, 1000).equals(content.subarray(0, 1000))).toBe(true);
    expect(now.subarray(101_000).equals(content.subarray(101_000))).toBe(true);
  });

  it('never make the file longer', async () => {
    const file = await opened();
    await file.zero(MiB - 512, 4096, true);
    await file.zero(MiB - 512, 4096, false);
    expect(file.lengthNow()).toBe(MiB);
  });
});

describe('a file that somebody shortens', () => {
  it('is not made longer again by writes behind its end', async () => {
    const disk = new RawFile(await HostFile.open(path, { readOnly: false }));
    closing.push(() => disk.close());
    truncateSync(path, 8192);
    expect(disk.sizeNow()).toBe(8192);
    for (const action of [
      () => disk.write(8192, [new Uint8Array(512)], false),
      () => disk.write(7680, [new Uint8Array(1024)], true),
      () => disk.writeZeroes(8192, 512, false),
      () => disk.discard(8192, 512),
    ]) {
      await expect((async () => action())()).rejects.toThrow('the image ends early, somebody has shortened it');
    }
    await disk.write(7680, [new Uint8Array(512)], false);
    expect(statSync(path).size).toBe(8192);
  });
});

describe('a failed sync', () => {
  it('makes all later ones fail: the kernel has forgotten what it could not write', async () => {
    const file = await opened();
    const error = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    await file.write(0, [new Uint8Array(512)], false);
    vi.mocked(fdatasync).mockImplementationOnce((_fd, callback) => callback(error));
    await expect(file.flush()).rejects.toBe(error);
    await expect(file.flush()).rejects.toBe(error);
    const other = join(folder, 'other.img');
    writeFileSync(other, content);
    await (await opened({}, other)).flush();
  });
});

/** A loop device over the file, where we may have one. */
function loopDevice(...options: string[]): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const { status, stdout } = spawnSync('losetup', ['--find', '--show', ...options, path], { encoding: 'utf8' });
  if (status !== 0) return undefined;
  const device = stdout.trim();
  closing.push(() => void execFileSync('losetup', ['--detach', device]));
  return device;
}

describe('a block device', () => {
  it('has the size and the sectors that it says', async ({ skip }) => {
    const device = loopDevice('--sector-size', '4096') ?? skip('no loop devices here');
    const file = await opened({}, device);
    expect(file.length).toBe(MiB);
    expect(file.blockSizes).toMatchObject({ logical: 4096 });
    // Sectors of 512 bytes work all the same.
    await file.write(512, [new Uint8Array(512).fill(3)], true);
    const sector = new Uint8Array(512);
    expect(await file.read(512, [sector])).toBe(512);
    expect(sector.every(byte => byte === 3)).toBe(true);
  });

  it('is zeroed and discarded', async ({ skip }) => {
    const device = loopDevice() ?? skip('no loop devices here');
    const file = await opened({}, device);
    await file.zero(64 * KiB, 64 * KiB, true);
    await file.zero(256 * KiB, 64 * KiB, false);
    await file.zero(700, 1000, false);
    await file.discard?.(512 * KiB, 64 * KiB);
    await file.flush();
    const bytes = new Uint8Array(MiB);
    await file.read(0, [bytes]);
    for (const [from, to] of [
      [64 * KiB, 128 * KiB],
      [256 * KiB, 320 * KiB],
      [700, 1700],
    ] as const) {
      expect(isZero(bytes.subarray(from, to))).toBe(true);
    }
    expect(Buffer.from(bytes.subarray(1700, 64 * KiB)).equals(content.subarray(1700, 64 * KiB))).toBe(true);
    // The loop device made holes in its file.
    expect(blocks()).toBeLessThan(MiB);
  });

  it('that grows is seen to', async ({ skip }) => {
    const device = loopDevice() ?? skip('no loop devices here');
    const file = await opened({}, device);
    truncateSync(path, 2 * MiB);
    execFileSync('losetup', ['--set-capacity', device]);
    expect(file.lengthNow()).toBe(2 * MiB);
  });
});
