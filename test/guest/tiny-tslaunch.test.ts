import { describe, expect, it } from 'vitest';
import { CASES } from './tiny-cases.ts';
import { outcome, PASS, runCase } from './tiny-run.ts';

// Every tiny guest under tslaunch, on whatever KVM there is: each prints its own verdict and powers off.
describe('tiny guests under tslaunch', () => {
  it.each(CASES)('$name', { timeout: 60_000 }, async tiny => {
    expect(outcome(await runCase('tslaunch', tiny))).toEqual(PASS);
  });

  it('reaches the guest by the Linux boot protocol too', async () => {
    const run = await runCase('tslaunch', { name: '', guest: 'hello', needs: { options: ['--entry', 'linux'] } });
    expect(run.text).toContain('hello from the 64-bit entry');
    expect(outcome(run)).toEqual(PASS);
  });

  it('takes PVH where the kernel offers it, and hands over the command line as it was typed', async () => {
    const run = await runCase('tslaunch', { name: '', guest: 'hello', needs: { arguments: ['a=b', 'c'] } });
    expect(run.text).toContain('hello from the PVH entry');
    expect(run.text).toMatch(/^command line: .*a=b c$/m);
  });

  it('is done with hello within 2 s', async () => {
    const run = await runCase('tslaunch', { name: '', guest: 'hello' });
    expect(outcome(run)).toEqual(PASS);
    expect(run.milliseconds).toBeLessThan(2000);
  });

  it("knows the host's time", async () => {
    const now = Math.floor(Date.now() / 1000);
    const run = await runCase('tslaunch', { name: '', guest: 'rtc', needs: { arguments: [`now=${now}`] } });
    expect(outcome(run)).toEqual(PASS);
  });
});
