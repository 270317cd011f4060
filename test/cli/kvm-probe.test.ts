import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { probeKvm } from '../../src/cli/kvm-probe.ts';

describe('the first look at KVM', () => {
  it('tells what stands in the way', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
    expect(await probeKvm(join(folder, 'kvm'))).toMatchObject({ kind: 'unusable', errno: 'ENOENT' });
    expect(await probeKvm(folder)).toMatchObject({ kind: 'unusable', errno: 'EISDIR' });
    rmSync(folder, { recursive: true });
  });

  it('does not take another device for KVM', async () => {
    const probe = await probeKvm('/dev/null');
    expect(probe).toMatchObject({ kind: 'unusable', message: expect.stringContaining('/dev/null is not KVM') });
    expect(probe).not.toHaveProperty('errno');
  });
});
