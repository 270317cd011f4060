import { describe, expect, it } from 'vitest';
import { GroupSync } from '../../../src/devices/block/group-sync.ts';

/** A sync that ends when told to. */
function manual() {
  const running: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const sync = new GroupSync(() => new Promise((resolve, reject) => running.push({ resolve, reject })));
  return { sync, running };
}
const settled = async (promise: Promise<void>) =>
  Promise.race([promise.then(() => 'done'), new Promise(resolve => setImmediate(resolve, 'waiting'))]);

describe('grouped syncs', () => {
  it('never let a caller share a sync that began before it asked', async () => {
    const { sync, running } = manual();
    const first = sync.run();
    const second = sync.run();
    const third = sync.run();
    expect(running).toHaveLength(1);
    running[0]!.resolve();
    await first;
    expect(await settled(second)).toBe('waiting');
    expect(running).toHaveLength(2);
    running[1]!.resolve();
    await Promise.all([second, third]);
    expect(running).toHaveLength(2);
  });

  it('tell those who waited for a failed one, and go on', async () => {
    const { sync, running } = manual();
    const first = sync.run();
    const second = sync.run();
    running[0]!.reject(new Error('disk on fire'));
    await expect(first).rejects.toThrow('disk on fire');
    await settled(second);
    running[1]!.resolve();
    await second;
    const third = sync.run();
    running[2]!.resolve();
    await third;
  });
});
