// Runs one case of tiny-cases.ts and says what is wrong with the outcome, in the guest's own words.
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Launcher } from '../../fixtures/guests/launchers.ts';
import { type GuestRun, type RunOptions, runGuest } from '../../fixtures/guests/run.ts';
import { GUEST, HOST, MAC, onWire, TAP } from '../../fixtures/net/wire.ts';
import { exec } from '../../fixtures/support/exec.ts';
import type { TinyCase } from './tiny-cases.ts';

export async function runCase(launcher: Launcher, tiny: TinyCase): Promise<GuestRun> {
  const directory = await mkdtemp(join(tmpdir(), 'tslaunch-tiny-'));
  try {
    const needs: RunOptions = { quickFirmware: true, ...tiny.needs };
    if (tiny.disk) {
      const path = join(directory, 'disk.img');
      const { disk, readOnly = false, diskWords: words } = tiny;
      if (words?.includes('format=qcow2')) await exec('qemu-img', ['create', '-q', '-f', 'qcow2', path, `${disk}M`]);
      else {
        await writeFile(path, 'the first sector');
        await truncate(path, disk << 20);
      }
      needs.disks = [{ path, readOnly, ...(words === undefined ? {} : { words }) }];
    }
    if (tiny.net) Object.assign(needs, networkNeeds(tiny.net, needs.arguments));
    if (launcher === 'tslaunch' && tiny.strict) needs.arguments = [...(needs.arguments ?? []), ...tiny.strict];
    return await runGuest(launcher, tiny.guest, needs);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function networkNeeds(net: 'tap' | 'none', words: readonly string[] = []): RunOptions {
  const all = [...words, `mac=${MAC}`, `host=${HOST}`, `guest=${GUEST}`];
  if (net === 'none') return { nets: [{ mac: MAC }], arguments: all };
  return { nets: [{ tap: TAP, mac: MAC }], arguments: all, wrap: command => onWire(command) };
}

/** What a passing run looks like, for one comparison that shows everything at once when it fails. */
export const PASS = { verdict: 'pass', failures: [], status: 0 };

export function outcome(run: GuestRun): object {
  const { verdict, failures, status } = run;
  const passed = verdict === 'pass' && status === 0 && failures.length === 0;
  return passed ? { verdict, failures, status } : { verdict, failures, status, said: `${run.text}\n${run.errors}` };
}
