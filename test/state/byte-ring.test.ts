import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ByteRing } from '../../src/state/byte-ring.ts';
import { RegisterFile } from '../../src/state/register-file.ts';

function ring(capacity: number): ByteRing {
  return new ByteRing(RegisterFile.create(4096).slice('ring', ByteRing.bytesFor(capacity)));
}

describe('ByteRing', () => {
  it('gives bytes back in order across its end', () => {
    const r = ring(8);
    const out: number[] = [];
    for (let i = 0; i < 50; i++) {
      expect(r.pushSome(Uint8Array.of(i, i + 100))).toBe(2);
      out.push(...r.drain());
    }
    expect(out).toEqual(Array.from({ length: 50 }, (_, i) => [i, i + 100]).flat());
  });

  it('takes what fits and refuses the rest', () => {
    const r = ring(4);
    expect(r.pushSome(Uint8Array.of(1, 2, 3, 4, 5))).toBe(4);
    expect(r.tryPush(6)).toBe(0);
    expect([r.length, r.space, r.peek(), r.pop()]).toEqual([4, 0, 1, 1]);
    expect(r.tryPush(6)).toBe(4);
    expect([...r.drain(2)]).toEqual([2, 3]);
    expect([...r.drain()]).toEqual([4, 6]);
    expect([r.pop(), r.peek()]).toEqual([undefined, undefined]);
  });

  it('lets a blocked writer give up', () => {
    const r = ring(1);
    expect(r.push(1, () => false)).toBe(1);
    expect(r.push(2, () => true)).toBe(0);
  });

  it('loses nothing between threads when the writer outruns the reader', async () => {
    const file = RegisterFile.create(4096);
    const r = new ByteRing(file.slice('ring', ByteRing.bytesFor(16)));
    const worker = new Worker(
      `const { workerData } = require('node:worker_threads');
       import(workerData.tsx).then(async ({ register }) => {
         register();
         const { ByteRing } = await import(workerData.ring);
         const { RegisterFile } = await import(workerData.file);
         const r = new ByteRing(new RegisterFile(workerData.buffer).slice('ring', ByteRing.bytesFor(16)));
         for (let i = 0; i < 5000; i++) r.push(i & 0xff, () => false);
       });`,
      {
        eval: true,
        workerData: {
          buffer: file.buffer,
          tsx: import.meta.resolve('tsx/esm/api'),
          ring: new URL('../../src/state/byte-ring.ts', import.meta.url).href,
          file: new URL('../../src/state/register-file.ts', import.meta.url).href,
        },
      },
    );
    const failed = new Promise<never>((_, reject) => worker.once('error', reject));
    let expected = 0;
    while (expected < 5000) {
      for (const byte of r.drain()) expect(byte).toBe(expected++ & 0xff);
      await Promise.race([new Promise(resolve => setImmediate(resolve)), failed]);
    }
    await worker.terminate();
  });
});
