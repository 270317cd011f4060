import { beforeEach, describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../../src/base/bits.ts';
import { log } from '../../../../src/base/log.ts';
import { checkImage } from '../../../../src/devices/block/qcow2/check.ts';
import { ImageBytes } from '../../../../src/devices/block/qcow2/image-bytes.ts';
import { openQcow2, readHeader } from '../../../../src/devices/block/qcow2/open.ts';
import { freshImage } from '../../../../src/devices/block/qcow2/tools/create.ts';
import { MemoryFile } from './support/memory-file.ts';

const CLUSTER = 4 * KiB;
beforeEach(() => log.setSink(() => {}));

const fresh = () => new MemoryFile(freshImage(4 * MiB, CLUSTER));
const filled = (value: number, length = CLUSTER) => [new Uint8Array(length).fill(value)];
async function found(file: MemoryFile) {
  const bytes = new ImageBytes(new MemoryFile(file.content));
  const { leaks, corruptions } = await checkImage(bytes, await readHeader(bytes), 'none');
  return { leaks, corruptions };
}
async function readAt(disk: { read: Awaited<ReturnType<typeof openQcow2>>['read'] }, at: number, length = 512) {
  const bytes = new Uint8Array(length);
  await disk.read(at, [bytes]);
  return bytes;
}

describe('an image on a host that fails', () => {
  it('whose disk is full fails writes, and goes on when there is room again', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    file.before = what => {
      if (what === 'write') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(disk.write(MiB, filled(2), false)).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(disk.write(0, filled(3), false)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await readAt(disk, 0))[0]).toBe(1);
    expect((await readAt(disk, MiB))[0]).toBe(0);
    file.before = () => {};
    await disk.write(MiB, filled(4), false);
    await disk.flush();
    expect((await readAt(disk, MiB))[0]).toBe(4);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });

  it('fails a flush whose tables cannot be written, and keeps them for the next', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    await disk.write(2 * MiB, filled(2), false);
    let failures = 0;
    file.before = what => {
      if (what === 'write' && failures++ < 1) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    };
    await expect(disk.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    await disk.flush();
    const copy = await openQcow2(new MemoryFile(file.content, true));
    expect((await readAt(copy, 2 * MiB))[0]).toBe(2);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });

  it('promises nothing any more after a sync that failed', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    await disk.write(MiB, filled(1), false);
    let syncs = 0;
    file.before = what => {
      if (what === 'flush' && syncs++ === 0) throw Object.assign(new Error('lost'), { code: 'EIO' });
    };
    for (let i = 0; i < 3; i++) await expect(disk.flush()).rejects.toMatchObject({ code: 'EIO' });
    expect(() => disk.write(0, filled(2), false)).toThrow('lost');
    await expect(disk.write(2 * MiB, filled(2), true)).rejects.toMatchObject({ code: 'EIO' });
    expect((await readAt(disk, 0))[0]).toBe(1);
    await expect(disk.close()).rejects.toMatchObject({ code: 'EIO' });
    expect(file.closed).toBe(true);
    // Nothing refers to what may not be on the medium, and the image stays marked.
    expect((await found(file)).corruptions).toBe(0);
    expect(file.content[79]! & 1).toBe(1);
  });
});

describe('requests at the same time', () => {
  it('allocate a cluster once, whoever comes first', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    const before = file.content.length;
    await Promise.all(Array.from({ length: 8 }, (_, i) => disk.write(i * 512, filled(i + 1, 512), false)));
    const bytes = await readAt(disk, 0, CLUSTER);
    expect(Array.from({ length: 8 }, (_, i) => bytes[i * 512 + 511])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await disk.close();
    // One L2 table, one cluster of data.
    expect(file.content.length - before).toBe(2 * CLUSTER);
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });

  it('read what was there while its cluster gets a new use', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    const read = file.read.bind(file);
    file.read = (offset, buffers) => held.then(() => read(offset, buffers));
    const bytes = new Uint8Array(512);
    const reading = disk.read(0, [bytes]);
    file.read = read;
    await disk.discard(0, CLUSTER);
    await disk.flush();
    for (let i = 1; i < 20; i++) await disk.write(i * CLUSTER, filled(9), false);
    release();
    await reading;
    expect(bytes[0]).toBe(1);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });

  it('write to a cluster that is being discarded, and to nothing else', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    let release = () => {};
    const held = new Promise<void>(resolve => {
      release = resolve;
    });
    const write = file.write.bind(file);
    file.write = (offset, buffers, durable) => held.then(() => write(offset, buffers, durable));
    const writing = disk.write(0, filled(7), false);
    file.write = write;
    await disk.discard(0, CLUSTER);
    await disk.flush();
    for (let i = 1; i < 20; i++) await disk.write(i * CLUSTER, filled(9), false);
    release();
    await writing;
    for (let i = 1; i < 20; i++) expect((await readAt(disk, i * CLUSTER))[0]).toBe(9);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });
});

describe('space', () => {
  it('that was given back is used again', async () => {
    const file = fresh();
    const disk = await openQcow2(file);
    for (let round = 0; round < 20; round++) {
      await disk.write(0, filled(round + 1, 64 * KiB), false);
      await disk.flush();
      await disk.discard(0, 64 * KiB);
      await disk.flush();
    }
    expect(file.content.length).toBeLessThan(300 * KiB);
    // A cluster with a past shows nothing of it around what is written to it.
    await disk.write(512, filled(0xaa, 512), false);
    const bytes = await readAt(disk, 0, CLUSTER);
    expect(bytes.every((byte, i) => byte === (i >= 512 && i < 1024 ? 0xaa : 0))).toBe(true);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });

  it('for a small write to a new cluster is not written around it', async () => {
    const file = new MemoryFile(freshImage(64 * MiB, 2 * MiB));
    const disk = await openQcow2(file);
    await disk.write(0, filled(1), true);
    let written = 0;
    file.before = (what, _offset, length) => {
      if (what === 'write') written += length;
    };
    await disk.write(10 * MiB, filled(1), true);
    expect(written).toBeLessThan(32 * KiB);
    await disk.close();
  });
});

describe('a table that cannot be read', () => {
  it('fails the requests that need it, and them alone', async () => {
    const old = fresh();
    const first = await openQcow2(old);
    await first.write(0, filled(1), false);
    await first.close();
    const file = new MemoryFile(old.content);
    const disk = await openQcow2(file);
    const strays: unknown[] = [];
    const stray = (error: unknown) => strays.push(error);
    process.on('unhandledRejection', stray);
    file.before = what => {
      if (what === 'read') throw Object.assign(new Error('bad sector'), { code: 'EIO' });
    };
    await expect(disk.write(0, filled(2), false)).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.write(MiB, filled(2), true)).rejects.toMatchObject({ code: 'EIO' });
    await expect(readAt(disk, 0)).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.discard(0, MiB)).rejects.toMatchObject({ code: 'EIO' });
    await expect(disk.writeZeroes(0, MiB, true)).rejects.toMatchObject({ code: 'EIO' });
    file.before = () => {};
    await new Promise(resolve => setTimeout(resolve, 20));
    process.off('unhandledRejection', stray);
    expect(strays).toEqual([]);
    expect((await readAt(disk, 0))[0]).toBe(1);
    await disk.write(MiB, filled(2), false);
    await disk.close();
    expect(await found(file)).toEqual({ leaks: 0, corruptions: 0 });
  });
});
