import { describe, expect, it, vi } from 'vitest';
import { within } from '../../src/virtio/deadline.ts';

describe('waiting with an end', () => {
  it('says whether the work was done in time, and leaves no timer behind', async () => {
    vi.useFakeTimers();
    try {
      expect(await within(100, Promise.resolve('done'))).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
      const late = within(100, new Promise(() => {}));
      await vi.advanceTimersByTimeAsync(100);
      expect(await late).toBe(false);
    } finally {
      vi.useRealTimers();
    }
  });

  it('fails as the work fails', async () => {
    await expect(within(100, Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
