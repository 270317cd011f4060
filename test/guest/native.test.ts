import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGuest } from '../../fixtures/guests/run.ts';
import { lacksVirtualisation } from '../../src/kvm/software.ts';
import { outcome, PASS } from './tiny-run.ts';

// On the KVM of this machine, whatever it is. Only one without hardware refuses instructions; traces and statistics are the same on all.
const software = lacksVirtualisation();

describe('instructions and exits on the KVM of this machine', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tslaunch-native-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it('runs what KVM refuses, faults included, and counts it', async () => {
    const run = await runGuest('tslaunch', 'refused', { options: ['--stats'] });
    expect(outcome(run)).toEqual(PASS);
    expect(run.errors).toContain("0 mismatches against KVM's reading.");
    if (software) {
      for (const name of ['popcnt', 'cmpxchg16b', 'int3', 'fwait', 'paddd'])
        expect(run.errors).toMatch(new RegExp(`^ +\\d+ +${name}$`, 'm'));
      expect(run.errors).toMatch(/^ +1 +#NM$/m);
    }
  });

  it('goes to user mode and back', async () => {
    const run = await runGuest('tslaunch', 'usermode', { options: ['--stats'] });
    expect(outcome(run)).toEqual(PASS);
    if (software) expect(run.errors).toContain('2 system calls completed for KVM.');
  });

  it("traces a device's registers, with names and values", async () => {
    const file = join(directory, 'trace.txt');
    const run = await runGuest('tslaunch', 'rng', { rng: true, options: ['--trace=virtio', '--trace-file', file] });
    expect(outcome(run)).toEqual(PASS);
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    expect(lines.every(line => /^ *\d+\.\d{6} 0 virtio /.test(line))).toBe(true);
    expect(lines.filter(line => /mov byte ptr \[\w+\], \w+ +rng0\.device_status <- 0x0f$/.test(line))).toHaveLength(1);
  });

  it('traces as JSON, one object a line, on every vCPU', async () => {
    const file = join(directory, 'trace.json');
    const options = ['--trace', '--trace-format', 'json', '--trace-file', file, '--stats'];
    const run = await runGuest('tslaunch', 'smp', { cpus: 2, arguments: ['cpus=2'], options });
    expect(outcome(run)).toEqual(PASS);
    const events = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const power = events.filter(event => event.accesses.some((a: { register: string }) => a.register === 'PM1_CNT'));
    expect(power).toHaveLength(1);
    expect(power[0]).toMatchObject({
      kind: 'io',
      instruction: expect.stringMatching(/^out dx, ax$/),
      accesses: [{ bus: 'io', kind: 'write', width: 2, device: 'acpi-pm' }],
    });
    expect(run.errors).toContain('vCPU 1');
    expect(run.errors).toMatch(new RegExp(`Decoded at ${events.filter(e => e.kind !== 'emulate').length} exits`));
  });

  it('says which trace file cannot be written', async () => {
    const run = await runGuest('tslaunch', 'hello', { options: ['--trace', '--trace-file', `${directory}/no/file`] });
    expect(run.status).toBe(2);
    expect(run.errors).toMatch(/The trace file .*\/no\/file cannot be written \(ENOENT\)/);
  });
});
