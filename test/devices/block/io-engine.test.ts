import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { threadPool } from '../../../src/devices/block/file-io.ts';
import { acquireIo, releaseIo } from '../../../src/devices/block/io-engine.ts';
import { IoUring } from '../../../src/host/io-uring.ts';
import { WriteBatches } from '../../../src/host/write-batches.ts';

let folder: string;
let fd: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-io-'));
  writeFileSync(join(folder, 'file'), 'some bytes');
  fd = openSync(join(folder, 'file'), 'r+');
});
afterEach(() => {
  vi.restoreAllMocks();
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

describe('the engine of disks', () => {
  it('is the thread pool where the kernel has neither io_uring nor batches', async () => {
    vi.spyOn(IoUring, 'open').mockReturnValue(undefined);
    vi.spyOn(WriteBatches, 'open').mockReturnValue(undefined);
    expect(acquireIo()).toBe(threadPool);
    const bytes = new Uint8Array(4);
    expect(await threadPool.readv(fd, [bytes], 5)).toBe(4);
    expect(Buffer.from(bytes).toString()).toBe('byte');
    releaseIo();
  });

  it('is one ring for all, there as long as somebody uses it', () => {
    const close = vi.fn();
    const ring = { close, readv: vi.fn(), writev: vi.fn() } as unknown as IoUring;
    const open = vi.spyOn(IoUring, 'open').mockReturnValue(ring);
    acquireIo();
    acquireIo();
    releaseIo();
    expect([open.mock.calls.length, close.mock.calls.length]).toEqual([1, 0]);
    releaseIo();
    expect(close).toHaveBeenCalledOnce();
  });

  it('asks the pool for what the ring does not take, and for nothing else', async () => {
    const fails = (code: string) => vi.fn().mockRejectedValue(Object.assign(new Error(code), { code }));
    const ring = { close: vi.fn(), readv: fails('EIO'), writev: fails('EAGAIN') };
    vi.spyOn(IoUring, 'open').mockReturnValue(ring as unknown as IoUring);
    const io = acquireIo();
    expect(await io.writev(fd, [Buffer.from('same')], 0)).toBe(4);
    expect(readFileSync(join(folder, 'file'), 'latin1')).toBe('same bytes');
    await expect(io.readv(fd, [new Uint8Array(4)], 0)).rejects.toMatchObject({ code: 'EIO' });
    releaseIo();
  });
});
