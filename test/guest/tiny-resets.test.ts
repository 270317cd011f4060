import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ensureQemu } from '../../fixtures/guests/qemu.ts';
import { runGuest } from '../../fixtures/guests/run.ts';
import { outcome, PASS } from './tiny-run.ts';

// The ways a guest starts again, and the way it crashes.
describe('resets of tiny guests under tslaunch', () => {
  it('restarts in place by the keyboard controller, port 0xcf9 and the ACPI register, counting on a disk', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tslaunch-tiny-'));
    const path = join(directory, 'disk.img');
    await writeFile(path, '');
    await truncate(path, 1 << 20);
    try {
      const run = await runGuest('tslaunch', 'reboot', { arguments: ['times=3', 'disk=1'], disks: [{ path }] });
      expect(outcome(run)).toEqual(PASS);
      expect(run.text.match(/^boot \d of 4$/gm)).toEqual(['boot 1 of 4', 'boot 2 of 4', 'boot 3 of 4', 'boot 4 of 4']);
      expect(run.text.match(/^reset by .*$/gm)).toEqual(['reset by i8042', 'reset by cf9', 'reset by acpi']);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('restarts under QEMU just so, where a triple fault is a reset too', { timeout: 300_000 }, async () => {
    await ensureQemu();
    const needs = { arguments: ['times=3', 'how=i8042,cf9,triple'], quickFirmware: true, reboots: true };
    const run = await runGuest('qemu-pc', 'reboot', needs);
    expect(outcome(run)).toEqual(PASS);
    expect(run.text).toContain('boot 4 of 4');
  });

  it('reports a triple fault with registers and ends with status 1', async () => {
    const run = await runGuest('tslaunch', 'triple');
    expect(run.text).toContain('about to triple fault');
    expect(run.status).toBe(1);
    expect(run.errors).toMatch(/triple fault/i);
    expect(run.errors).toMatch(/rip [0-9a-f]{16}/);
    expect(run.errors).toMatch(/vCPU 0 at 0x[0-9a-f]+: mov.*0x700000000000.*\([0-9a-f ]+\)/);
    expect(run.text).not.toContain('the machine survived');
  });
});
