import { beforeAll, describe, expect, it } from 'vitest';
import { ensureQemu } from '../../fixtures/guests/qemu.ts';
import { CASES } from './tiny-cases.ts';
import { outcome, PASS, runCase } from './tiny-run.ts';

// The same guests under QEMU: a guest that fails there too is wrong itself, so this is what makes their verdicts worth having.
describe('tiny guests under QEMU', () => {
  beforeAll(ensureQemu, 300_000);

  // QEMU may end before its last output is out, which is nothing against the guest: try again then.
  it.each(CASES.filter(tiny => tiny.qemu))('$name', { timeout: 120_000, retry: 3 }, async tiny => {
    expect(outcome(await runCase(tiny.qemu!, tiny))).toEqual(PASS);
  });
});
