import { afterEach, describe, expect, it } from 'vitest';
import { log } from '../../../src/base/log.ts';
import { hostEntropy, type RngBackend } from '../../../src/devices/rng/backend.ts';
import { rngModel } from '../../../src/devices/rng/registers.ts';
import { MAX_REQUEST } from '../../../src/devices/rng/request.ts';
import { RngService } from '../../../src/devices/rng/service.ts';
import { MockDriver } from '../../support/mock-driver.ts';
import { Random } from '../random.ts';

const model = rngModel({ kind: 'rng', name: 'rng0' });
let driver: MockDriver | undefined;
const start = async (backend: RngBackend = hostEntropy) => {
  driver = await MockDriver.start(model, new RngService(backend));
  return driver.queue(0);
};
afterEach(() => driver?.stop());

describe('the entropy device', () => {
  it('is device 4 with one queue and nothing to configure', () => {
    expect(model).toMatchObject({ deviceId: 4, features: 0n, config: new Uint8Array(0) });
    expect(model.queueSizes).toHaveLength(1);
  });

  it('fills buffers, each differently', async () => {
    const queue = await start();
    const [a, b] = await Promise.all([queue.submit([], [32]), queue.submit([], [16, 1, 47])]);
    expect([a.written, b.written]).toEqual([32, 64]);
    expect(a.data.some(byte => byte !== 0)).toBe(true);
    expect(a.data).not.toEqual(b.data.subarray(0, 32));
  });

  it('gives bytes that look random', async () => {
    const queue = await start();
    const { data } = await queue.submit([], [MAX_REQUEST]);
    const counts = new Uint32Array(256);
    for (const byte of data) counts[byte]!++;
    // 256 expected of each; 16 standard deviations either way.
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts)).toBeLessThan(512);
  });

  it('fills a larger buffer in part, and nothing behind that', async () => {
    const queue = await start();
    const { written, buffers } = await queue.submit([], [MAX_REQUEST, 4096]);
    expect(written).toBe(MAX_REQUEST);
    expect(buffers[1]!.every(byte => byte === 0)).toBe(true);
  });

  it('takes a readable part as a mistake that costs the guest its device', async () => {
    const queue = await start();
    void queue.submit([Uint8Array.of(1)], [8]);
    await expect.poll(() => driver?.needsReset).toContain('device-readable');
  });

  it('lives on when the host has no entropy, and says so once', async () => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    let left = 1;
    const queue = await start({
      async fill(bytes) {
        if (left-- <= 0) throw new Error('exhausted');
        bytes.fill(7);
      },
    });
    expect((await queue.submit([], [8, 8])).written).toBe(8);
    expect((await queue.submit([], [8])).written).toBe(0);
    expect(driver?.needsReset).toBeUndefined();
    expect(lines).toEqual(['tslaunch: rng0: the host gave no entropy: exhausted.\n']);
  });

  it('survives any mix of requests', async () => {
    const seed = 0x5eed;
    const random = new Random(seed);
    const queue = await start();
    for (let i = 0; i < 200; i++) {
      const lengths = Array.from({ length: 1 + random.below(5) }, () => random.pick([1, 7, 64, 4096, 40_000]));
      const { written } = await queue.submit([], lengths, { indirect: random.below(2) === 0 });
      const total = lengths.reduce((sum, length) => sum + length, 0);
      expect(written, `seed ${seed}, request ${i}: ${lengths}`).toBe(Math.min(total, MAX_REQUEST));
    }
  });
});
