import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../../src/base/bits.ts';
import { compressedRange, kindOf, offsetOf, owned, zeroed } from '../../../../src/devices/block/qcow2/entry.ts';
import { Epochs } from '../../../../src/devices/block/qcow2/epochs.ts';
import { viewOf } from '../../../../src/devices/block/qcow2/format.ts';
import { ImageBytes } from '../../../../src/devices/block/qcow2/image-bytes.ts';
import { Locks } from '../../../../src/devices/block/qcow2/locks.ts';
import { REFCOUNT_WIDTHS } from '../../../../src/devices/block/qcow2/refcount-width.ts';
import { ImageError } from '../../../../src/devices/block/qcow2/refusal.ts';
import { SliceCache } from '../../../../src/devices/block/qcow2/slice-cache.ts';
import { decodeZstd } from '../../../../src/devices/block/qcow2/zstd.ts';
import { Random } from '../../random.ts';
import { MemoryFile } from './support/memory-file.ts';

describe('entries', () => {
  it('hold offsets far beyond 4 GiB', () => {
    const { high, low } = owned(0x1234_5678_9a00);
    expect(offsetOf(high, low)).toBe(0x1234_5678_9a00);
    expect(kindOf(high, low)).toBe('data');
    expect(kindOf(zeroed({ high, low }).high, zeroed({ high, low }).low)).toBe('zero');
    expect(kindOf(0, 0)).toBe('absent');
  });

  it('of compressed clusters say where the bytes are', () => {
    // 64 KiB clusters: the sector count begins at bit 62 - 8 = 54. Two further sectors, from byte 0x12345.
    expect(compressedRange({ high: (0x4000_0000 | (2 << 22)) >>> 0, low: 0x1_2345 }, 16)).toEqual({
      offset: 0x1_2345,
      bytes: 3 * 512 - 0x145,
    });
  });
});

describe('refcounts of every width', () => {
  it.each(REFCOUNT_WIDTHS.map((width, order) => [2 ** order, width] as const))('%d bits', (bits, width) => {
    const random = new Random(bits);
    const view = viewOf(new Uint8Array(512));
    const model = Array.from({ length: 4096 / bits }, () => 0);
    for (let i = 0; i < 2000; i++) {
      const index = random.below(model.length);
      model[index] = random.below(Math.min(width.most, 2 ** 31) + 1);
      width.set(view, index, model[index]!);
    }
    expect(model.map((_, index) => width.get(view, index))).toEqual(model);
  });

  it('narrower than a byte begin at its lowest bit', () => {
    const view = viewOf(new Uint8Array(2));
    REFCOUNT_WIDTHS[0]!.set(view, 1, 1);
    REFCOUNT_WIDTHS[1]!.set(view, 5, 3);
    expect([view.getUint8(0), view.getUint8(1)]).toEqual([0b10, 0b1100]);
  });
});

describe('locks', () => {
  it('let one in at a time, and strangers pass', async () => {
    const locks = new Locks();
    const order: string[] = [];
    const hold = (name: string, first: number, count: number) =>
      locks.withLock(first, count, async () => {
        order.push(`${name}+`);
        await new Promise(resolve => setImmediate(resolve));
        order.push(`${name}-`);
      });
    await Promise.all([hold('a', 1, 3), hold('b', 3, 2), hold('c', 4, 1), hold('d', 9, 1)]);
    const at = (mark: string) => order.indexOf(mark);
    expect(at('a-')).toBeLessThan(at('b+'));
    expect(Math.min(at('b-'), at('c-'))).toBeLessThan(Math.max(at('b+'), at('c+')));
    expect(at('d+')).toBeLessThan(at('a-'));
  });

  it('are given back by what fails', async () => {
    const locks = new Locks();
    await expect(locks.withLock(1, 1, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await locks.withLock(1, 1, async () => 'yes')).toBe('yes');
  });
});

describe('epochs', () => {
  it('pass when all that ran then has ended, whatever began since', async () => {
    const epochs = new Epochs();
    const [first, second] = [epochs.enter(), epochs.enter()];
    let passed = 0;
    const waits = [epochs.passed().then(() => passed++), epochs.passed().then(() => passed++)];
    const later = epochs.enter();
    const last = epochs.passed().then(() => 'last');
    epochs.leave(first);
    await new Promise(resolve => setImmediate(resolve));
    expect(passed).toBe(0);
    epochs.leave(second);
    await Promise.all(waits);
    expect(await Promise.race([last, new Promise(resolve => setImmediate(() => resolve('not yet')))])).toBe('not yet');
    epochs.leave(later);
    expect(await last).toBe('last');
    await epochs.passed();
  });
});

describe('the cache of tables', () => {
  it('keeps within its bounds, and keeps what has changed', async () => {
    const file = new MemoryFile(new Uint8Array(MiB));
    let reads = 0;
    file.before = () => void reads++;
    const cache = new SliceCache(new ImageBytes(file), 64 * KiB, 64 * KiB);
    const changed = await cache.load(5000);
    changed.bytes[0] = 7;
    cache.changed(changed);
    for (let at = 0; at < MiB; at += 4096) await cache.load(at);
    expect(reads).toBe(256);
    expect(cache.peek(4096)).toBe(changed);
    expect(
      Array.from({ length: 256 }, (_, i) => cache.peek(i * 4096)).filter(slice => slice !== undefined).length,
    ).toBeLessThan(20);
    const images = cache.snapshot();
    changed.bytes[0] = 8;
    cache.changed(changed);
    expect(images.map(({ bytes }) => bytes[0])).toEqual([7]);
    cache.settled(images);
    expect(cache.dirty).toBe(true);
    cache.settled(cache.snapshot());
    expect(cache.dirty).toBe(false);
  });

  it('reads a slice once for all who ask', async () => {
    const file = new MemoryFile(new Uint8Array(MiB));
    let reads = 0;
    file.before = () => void reads++;
    const cache = new SliceCache(new ImageBytes(file), 4096, 64 * KiB);
    const slices = await Promise.all([cache.load(0), cache.load(8), cache.load(4095)]);
    expect(new Set(slices).size).toBe(1);
    expect(reads).toBe(1);
  });
});

describe('a zstd frame', () => {
  /** Magic, no content size, a window of 1 KiB, then blocks. */
  const frame = (...blocks: number[][]) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, ...blocks.flat()]);
  const block = (last: number, type: number, size: number, ...data: number[]) => {
    const header = last | (type << 1) | (size << 3);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, ...data];
  };

  it('is decoded, whatever stands behind it', async () => {
    const bytes = frame(block(0, 0, 3, 1, 2, 3), block(1, 1, 5, 9));
    expect([...(await decodeZstd(Uint8Array.from([...bytes, 1, 2, 3, 4]), 100))]).toEqual([1, 2, 3, 9, 9, 9, 9, 9]);
  });

  it('is refused if it is cut or no frame', async () => {
    for (const bytes of [frame(block(0, 0, 3, 1, 2, 3)), frame(block(1, 3, 1, 1)), new Uint8Array(20)]) {
      await expect(decodeZstd(bytes, 65_536)).rejects.toThrow(ImageError);
    }
    await expect(decodeZstd(deflateRawSync(new Uint8Array(1000)), 65_536)).rejects.toThrow(ImageError);
  });

  it('that is a bomb, or wants a huge window, comes to nothing', async () => {
    const bomb = frame(...Array.from({ length: 600 }, (_, i) => block(i === 599 ? 1 : 0, 1, 131_072, 9)));
    expect((await decodeZstd(bomb, 65_536)).length).not.toBe(65_536);
    const wide = frame(block(1, 1, 100, 9));
    wide[5] = 0xf8;
    expect((await decodeZstd(wide, 65_536)).length).not.toBe(65_536);
  });

  it('of random bytes takes no time and is an error at worst (seed 8)', async () => {
    const random = new Random(8);
    const began = performance.now();
    for (let i = 0; i < 3000; i++) {
      const bytes = frame(block(1, 2, 60, ...random.bytes(60)));
      expect((await decodeZstd(bytes, 65_536)).length).toBeLessThan(65_536);
    }
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
