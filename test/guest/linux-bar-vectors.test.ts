import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../fixtures/guests/build.ts';
import { commandLine, type Launcher } from '../../fixtures/guests/launchers.ts';
import { ensureQemu } from '../../fixtures/guests/qemu.ts';
import { directLab } from '../../fixtures/lab/direct.ts';
import { openLab } from '../../fixtures/lab/open.ts';
import type { Lab } from '../../fixtures/lab/types.ts';
import { lacksVirtualisation } from '../../src/kvm/software.ts';

// Vector, string and atomic instructions on a virtio BAR: what KVM refuses of them ends the guest under QEMU, and is run under tslaunch. On
// the KVM of this machine and on one with hardware, which refuse different ones.

/** The guest's output, until its verdict or until QEMU stands still. */
async function run(lab: Lab, launcher: Launcher, options: string[] = []): Promise<{ text: string; errors: string }> {
  const elf = await buildGuest('bar-vectors');
  const [program, ...rest] = commandLine(launcher, elf, { rng: true, quickFirmware: true, options });
  const guest = lab.spawn(program!, rest);
  const said = { text: '', errors: '' };
  guest.stdout.on('data', chunk => {
    said.text += chunk.toString('latin1').replaceAll('\r', '');
  });
  guest.stderr.on('data', chunk => {
    said.errors += chunk.toString('latin1');
    if (/emulation failure/.test(said.errors)) guest.kill('SIGKILL');
  });
  await guest.exited;
  return said;
}

/** What the guest was about to do last. */
const lastTry = (text: string) => text.match(/^try .*$/gm)?.at(-1);
const passes = (text: string) => ({ wrong: text.match(/^not ok.*$/gm), verdict: text.match(/^verdict: .*$/m)?.[0] });
const PASS = { wrong: null, verdict: 'verdict: pass' };

describe.each(['the KVM of this machine', 'a KVM with hardware'])('wide accesses to a BAR on %s', where => {
  let lab: Lab;
  beforeAll(async () => {
    lab = where === 'a KVM with hardware' ? await openLab() : directLab('here');
  });
  afterAll(() => lab.close());
  const software = where !== 'a KVM with hardware' && lacksVirtualisation();

  it('run under tslaunch, every exit of them decoded', async () => {
    const { text, errors } = await run(lab, 'tslaunch', ['--stats']);
    expect(passes(text), text + errors).toEqual(PASS);
    expect(errors).toMatch(/^Decoded at \d+ exits, 0 mismatches/m);
    // One of them at least is not for KVM anywhere.
    expect(errors).toMatch(/^ +\d+ +movhps$/m);
    if (software) expect(errors).toMatch(/^ +\d+ +vmovdqu$/m);
    // Where AVX is not to be had, the guest says so.
    if (!/^ok vmovdqu to a BAR$/m.test(text)) expect(text).toContain('skip vmovdqu: AVX is not offered here');
  });

  it('end the guest under QEMU at the first that its KVM refuses', { timeout: 300_000 }, async () => {
    await ensureQemu();
    const { text, errors } = await run(lab, 'qemu-q35');
    expect(errors, text).toContain('KVM internal error. Suberror: 1');
    expect(text).not.toContain('verdict');
    if (software) expect(lastTry(text)).toBe('try vmovdqu to a BAR');
    else expect(lastTry(text)).toMatch(/^try (vmovdqu|movq|movlps and movhps|movss|popcnt) /);
  });
});
