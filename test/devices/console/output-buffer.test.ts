import { describe, expect, it } from 'vitest';
import { append, BATCH, OutputBuffer } from '../../../src/devices/console/output-buffer.ts';
import { Random } from '../random.ts';

describe('buffered output', () => {
  it('comes out whole and in order, whatever the sizes and however slow the writer', async () => {
    const seed = 0xc0;
    const random = new Random(seed);
    const out: Uint8Array[] = [];
    let writing = false;
    const buffer = new OutputBuffer(async bytes => {
      expect(writing, 'one write at a time').toBe(false);
      writing = true;
      if (random.below(3) === 0) await new Promise(resolve => setImmediate(resolve));
      out.push(bytes.slice());
      writing = false;
    });
    const input = random.bytes(2_000_000);
    for (const part of random.cut(input, 3 * BATCH)) await append(buffer, part);
    await buffer.flushed();
    expect(Buffer.concat(out).equals(input), `seed ${seed}`).toBe(true);
    expect(Math.max(...out.map(part => part.length))).toBeLessThanOrEqual(BATCH);
  });

  it('accepts one batch beyond the one being written, then holds back', async () => {
    let release = () => {};
    const stuck = new Promise<void>(resolve => {
      release = resolve;
    });
    const sizes: number[] = [];
    const buffer = new OutputBuffer(async bytes => {
      sizes.push(bytes.length);
      await stuck;
    });
    await append(buffer, new Uint8Array(10));
    await append(buffer, new Uint8Array(BATCH));
    const tooMuch = append(buffer, Uint8Array.of(1));
    const first = await Promise.race([
      tooMuch.then(() => 'taken'),
      new Promise(resolve => setTimeout(resolve, 20, 'held')),
    ]);
    expect(first).toBe('held');
    release();
    await tooMuch;
    await buffer.flushed();
    expect(sizes).toEqual([10, BATCH, 1]);
  });

  it('has nothing to do for nothing', async () => {
    const buffer = new OutputBuffer(() => Promise.reject(new Error('written')));
    await append(buffer, new Uint8Array(0));
    await buffer.flushed();
  });
});
