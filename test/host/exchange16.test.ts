import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { closeFd } from '../../src/host/eventfd.ts';
import { compareExchange16 } from '../../src/host/exchange16.ts';
import { createMemory, mapShared } from '../../src/host/mapping.ts';

describe('an exchange of 16 bytes', () => {
  it('stores only what is expected, and says what was found', () => {
    const cell = new BigUint64Array(new ArrayBuffer(64), 16, 2);
    cell.set([1n, 2n]);
    const place = new Uint8Array(cell.buffer, 16, 16);
    const values = BigUint64Array.of(1n, 2n, 3n, 4n);
    compareExchange16(place, values);
    expect([...cell, ...values]).toEqual([3n, 4n, 1n, 2n, 3n, 4n]);
    compareExchange16(place, values);
    expect([...cell, ...values]).toEqual([3n, 4n, 3n, 4n, 3n, 4n]);
    values.set([3n, 5n, 0xffff_ffff_ffff_fffen, 1n << 63n]);
    compareExchange16(place, values);
    expect([...cell]).toEqual([3n, 4n]);
    values.set([3n, 4n]);
    compareExchange16(place, values);
    expect([...cell]).toEqual([0xffff_ffff_ffff_fffen, 1n << 63n]);
  });

  it('is one step for two threads that change both halves of one memory file', async () => {
    const fd = createMemory('exchange16-test', 4096);
    const mapping = mapShared(fd, 4096);
    const rounds = 20_000;
    const threads = [0, 1].map(() => {
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
         import(workerData.tsx).then(async ({ register }) => {
           register();
           const { compareExchange16 } = await import(workerData.exchange);
           const { mapShared } = await import(workerData.mapping);
           const place = mapShared(workerData.fd, 4096).views[0].subarray(0, 16);
           const values = new BigUint64Array(4);
           let torn = 0;
           for (let i = 0; i < workerData.rounds; ) {
             const [low, high] = values;
             values.set([low + 1n, high + 1n], 2);
             compareExchange16(place, values);
             if (values[0] !== values[1]) torn++;
             if (values[0] === low && values[1] === high) i++;
           }
           parentPort.postMessage(torn);
         });`,
        {
          eval: true,
          workerData: {
            ...{ fd, rounds, tsx: import.meta.resolve('tsx/esm/api') },
            exchange: new URL('../../src/host/exchange16.ts', import.meta.url).href,
            mapping: new URL('../../src/host/mapping.ts', import.meta.url).href,
          },
        },
      );
      return once(worker, 'message').then(([torn]) => torn);
    });
    expect(await Promise.all(threads)).toEqual([0, 0]);
    const both = new BigUint64Array(mapping.views[0]!.buffer, mapping.views[0]!.byteOffset, 2);
    expect([...both]).toEqual([2n * BigInt(rounds), 2n * BigInt(rounds)]);
    mapping.unmap();
    closeFd(fd);
  });
});
