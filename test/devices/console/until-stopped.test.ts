import { describe, expect, it } from 'vitest';
import { UntilStopped } from '../../../src/devices/console/until-stopped.ts';

describe('waiting no longer than a queue runs', () => {
  it('ends with the event, or with the queue', async () => {
    let stop = () => {};
    const stopped = new Promise<void>(resolve => {
      stop = resolve;
    });
    const running = new UntilStopped({ stopped });
    await running.wait(Promise.resolve());
    const waiting = running.wait(new Promise(() => {}));
    const early = await Promise.race([
      waiting.then(() => 'over'),
      new Promise(resolve => setTimeout(resolve, 5, 'waiting')),
    ]);
    expect(early).toBe('waiting');
    stop();
    await waiting;
    await running.wait(new Promise(() => {}));
  });
});
