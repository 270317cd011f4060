import { describe, expect, it } from 'vitest';
import { WriteLane } from '../../../src/devices/block/write-lane.ts';
import type { Write, WriteBatches, WriteResult } from '../../../src/host/write-batches.ts';

/** Batches of three that end when they are told to, and single writes likewise. */
function make(results: (writes: readonly Write[]) => WriteResult[] = writes => writes.map(() => 1), few = 0) {
  const journal: string[] = [];
  const ends: (() => void)[] = [];
  const offsets = (writes: readonly Write[]) => writes.map(({ offset }) => offset).join(' ');
  const batches = {
    room: (writes: readonly Write[]) => Math.min(3, writes.length),
    run: (writes: readonly Write[]) => {
      journal.push(`batch ${offsets(writes)}`);
      return new Promise(resolve => ends.push(() => resolve(results(writes))));
    },
    close: () => journal.push('closed'),
  } as unknown as WriteBatches;
  const single = (_fd: number, _buffers: readonly Uint8Array[], offset: number) => {
    journal.push(`single ${offset}`);
    return new Promise<number>(resolve => ends.push(() => resolve(1)));
  };
  const lane = new WriteLane(batches, single, few);
  const write = (offset: number, length = 1) => lane.writev(0, [new Uint8Array(length)], offset);
  const end = async () => {
    for (const done of ends.splice(0)) done();
    await new Promise(resolve => setImmediate(resolve));
  };
  return { lane, journal, write, end };
}

describe('the lane of writes', () => {
  it('does one that is alone alone, and those that come meanwhile together, as many as fit', async () => {
    const { lane, journal, write, end } = make();
    const all = [1, 2, 3, 4, 5].map(offset => write(offset));
    await end();
    await end();
    await end();
    expect(await Promise.all(all)).toEqual([1, 1, 1, 1, 1]);
    const last = write(6);
    await end();
    await last;
    lane.close();
    expect(journal).toEqual(['single 1', 'batch 2 3 4', 'single 5', 'single 6', 'closed']);
  });

  it('gives each its own result, and does by itself what a batch has not begun', async () => {
    const { journal, write, end } = make(([, second]) => [
      7,
      Object.assign(new Error('full'), { code: 'ENOSPC', syscall: `${second?.fd}` }),
      undefined,
    ]);
    const [first, ...others] = [1, 2, 3, 4].map(offset => write(offset));
    await end();
    const results = Promise.allSettled(others);
    await end();
    await end();
    await first;
    expect(await results).toMatchObject([{ value: 7 }, { reason: { code: 'ENOSPC' } }, { value: 1 }]);
    expect(journal).toEqual(['single 1', 'batch 2 3 4', 'single 4']);
  });

  it('does a few side by side', async () => {
    const { journal, write, end } = make(undefined, 2);
    const all = [1, 2, 3, 4, 5].map(offset => write(offset));
    for (let i = 0; i < 3; i++) await end();
    expect(await Promise.all(all)).toEqual([1, 1, 1, 1, 1]);
    expect(journal).toEqual(['single 1', 'single 2', 'single 3', 'batch 4 5']);
  });

  it('leaves large ones to themselves', async () => {
    const { journal, write, end } = make();
    const all = [write(1), write(2, 1 << 20), write(3, 1 << 20), write(4)];
    await end();
    await end();
    await Promise.all(all);
    expect(journal).toEqual(['single 1', 'single 2', 'single 3', 'single 4']);
  });
});
