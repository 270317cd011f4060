import { describe, expect, it } from 'vitest';
import { chooseBetween, PoolPace } from '../../../src/devices/block/engine-choice.ts';
import type { FileIo } from '../../../src/devices/block/file-io.ts';

/** An engine whose requests end when they are told to. */
class Gated implements FileIo {
  readonly waiting: (() => void)[] = [];
  readv = () => this.#start();
  writev = () => this.#start();
  writevCached = () => this.#start();
  #start(): Promise<number> {
    return new Promise(resolve => this.waiting.push(() => resolve(1)));
  }
  async end(count = this.waiting.length): Promise<void> {
    for (const done of this.waiting.splice(0, count)) done();
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

describe('between thread pool and ring', () => {
  const buffers = [new Uint8Array(1)];
  let now = 0;
  const make = () => {
    const pool = new Gated();
    const ring = new Gated();
    const io = chooseBetween(pool, ring, new PoolPace(() => now));
    const waiting = () => [pool.waiting.length, ring.waiting.length];
    const read = () => void io.readv(0, buffers, 0);
    let turn = 0;
    const write = () => void (turn++ % 2 ? io.writev : io.writevCached)(0, buffers, 0);
    return { pool, ring, read, write, waiting };
  };

  it('a read alone takes the ring, a write alone and several at a time the pool', async () => {
    const { pool, ring, read, write, waiting } = make();
    read();
    expect(waiting()).toEqual([0, 1]);
    read();
    write();
    expect(waiting()).toEqual([2, 1]);
    await ring.end();
    read();
    expect(waiting()).toEqual([3, 0]);
    await pool.end();
    write();
    expect(waiting()).toEqual([1, 0]);
    await pool.end();
    read();
    expect(waiting()).toEqual([0, 1]);
  });

  it('a quick disk stays with the pool, however many queue there', async () => {
    const { pool, write, waiting } = make();
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 32; i++) write();
      expect(waiting()).toEqual([32, 0]);
      // A quarter of a millisecond each, four at a time.
      for (let i = 0; i < 8; i++) {
        now += 0.25;
        await pool.end(4);
      }
    }
  });

  it('a slow one gets what the pool has no threads for into the ring, until it is quick again', async () => {
    const { pool, ring, read, write, waiting } = make();
    for (let i = 0; i < 8; i++) write();
    now += 20;
    await pool.end();
    for (let i = 0; i < 16; i++) write();
    for (let i = 0; i < 16; i++) read();
    expect(waiting()).toEqual([4, 28]);
    await ring.end();
    await pool.end();
    for (let i = 0; i < 60; i++) {
      write();
      now += 0.1;
      await pool.end();
    }
    for (let i = 0; i < 16; i++) write();
    expect(waiting()).toEqual([16, 0]);
  });

  it('errors are passed on, and counted like everything else', async () => {
    const failing: FileIo = {
      readv: () => Promise.reject(new Error('EIO')),
      writev: () => Promise.reject(new Error('EIO')),
      writevCached: () => Promise.reject(new Error('EIO')),
    };
    const io = chooseBetween(failing, failing);
    for (let i = 0; i < 10; i++) {
      await expect(io.readv(0, buffers, 0)).rejects.toThrow('EIO');
      await expect(io.writev(0, buffers, 0)).rejects.toThrow('EIO');
      await expect(io.writevCached(0, buffers, 0)).rejects.toThrow('EIO');
    }
  });
});
