import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { WriteBatches } from '../../src/host/write-batches.ts';

const folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
const path = join(folder, 'file');
writeFileSync(path, new Uint8Array(100));
const fd = openSync(path, 'r+');
const readOnly = openSync(path, 'r');
afterAll(() => {
  closeSync(fd);
  closeSync(readOnly);
  rmSync(folder, { recursive: true });
});

describe('a batch of writes', () => {
  const batches = WriteBatches.open();
  afterAll(() => batches?.close());
  const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

  it.skipIf(batches === undefined)('is done in full, each write where it belongs', async () => {
    for (let round = 0; round < 3; round++) {
      const writes = Array.from({ length: 16 }, (_, i) => ({
        fd,
        buffers: [filled(1, i + round), filled(2, 100 + i)],
        offset: 5 * i,
      }));
      expect(await batches!.run(writes)).toEqual(writes.map(() => 3));
      const content = readFileSync(path);
      for (let i = 0; i < 16; i++)
        expect([...content.subarray(5 * i, 5 * i + 4)]).toEqual([i + round, 100 + i, 100 + i, 0]);
    }
  });

  it.skipIf(batches === undefined)('says which was not done, or why not', async () => {
    const good = { fd, buffers: [filled(4, 9)], offset: 0 };
    const bad = { ...good, fd: readOnly };
    const [first, second, third] = await batches!.run([good, bad, good]);
    expect(first).toBe(4);
    expect(second === undefined || second instanceof Error).toBe(true);
    expect([4, undefined]).toContain(third);
  });

  it.skipIf(batches === undefined)('has so many writes and buffers', () => {
    const write = { fd, buffers: [filled(1, 1)], offset: 0 };
    const broad = { ...write, buffers: Array<Uint8Array>(1024).fill(filled(1, 1)) };
    expect(batches!.room([])).toBe(0);
    expect(batches!.room([write, write])).toBe(2);
    expect(batches!.room(Array(40).fill(write))).toBe(16);
    expect(batches!.room([broad, write])).toBe(1);
    expect(batches!.room([write, broad])).toBe(1);
  });

  it.skipIf(batches === undefined)('that is under way comes to its end when they are closed', async () => {
    const others = WriteBatches.open()!;
    const running = others.run([{ fd, buffers: [filled(3, 7)], offset: 90 }]);
    others.close();
    others.close();
    expect(await running).toEqual([3]);
    await expect(others.run([])).rejects.toThrow();
  });
});
