import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASH, HANG, POWER_OFF, print, program, SPIN } from '../support/kernel-files.ts';
import { buildProgram, PROGRAM, runProgram } from '../support/program.ts';

let folder: string;
/** A guest of a few instructions: the path of its kernel. */
function guest(name: string, ...code: number[][]): string {
  const path = join(folder, name);
  writeFileSync(path, program(code.flat()));
  return path;
}
beforeAll(() => {
  buildProgram();
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a guest and waits for the letter it prints. */
async function started(...args: string[]): Promise<{ child: ChildProcess; ended: Promise<unknown[]> }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout!, 'data'), ended]);
  return { child, ended };
}

describe('the exit status of a run', () => {
  it('is 0 after power-off', () => {
    const outcome = runProgram(['64', guest('off', print('k'), POWER_OFF, HANG)]);
    expect(outcome).toEqual({ status: 0, stdout: 'k', stderr: '' });
  });

  it('is 1 after a crash, which is reported', () => {
    const outcome = runProgram(['64', guest('crash', print('k'), CRASH)]);
    expect(outcome).toMatchObject({ status: 1, stdout: 'k' });
    expect(outcome.stderr).toMatch(/^tslaunch: The guest ended in a triple fault\.\n/);
    expect(outcome.stderr).not.toMatch(/^ {4}at /m);
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('is that of %s, whatever the guest does', async signal => {
    for (const [name, code] of Object.entries({ halting: HANG, spinning: SPIN })) {
      const { child, ended } = await started('64', guest(name, print('k'), code), '--cpus', '2');
      child.kill(signal);
      expect(await ended, name).toEqual([128 + constants.signals[signal], null]);
    }
  });
});

describe('what is said on the way', () => {
  it('names the console that nobody named, with --verbose', () => {
    const kernel = guest('off', print('k'), POWER_OFF, HANG);
    const added = 'earlyprintk=serial,ttyS0,115200 console=hvc0';
    expect(runProgram(['64', kernel, '-v']).stderr).toContain(`no console is named, so the guest gets ${added}\n`);
    expect(runProgram(['64', kernel, '-v', 'console=ttyS0']).stderr).not.toContain('no console is named');
  });

  it('warns of a disk that is no number of sectors, and goes on with what is', () => {
    const disk = join(folder, 'odd');
    writeFileSync(disk, new Uint8Array(1300));
    const outcome = runProgram(['64', guest('off', print('k'), POWER_OFF, HANG), '--block', disk]);
    expect(outcome).toMatchObject({ status: 0, stdout: 'k' });
    expect(outcome.stderr).toMatch(/^tslaunch: .*odd is 1300 bytes, not a multiple of 512.*1024\.\n$/);
  });

  it('is one sentence for the second who writes to a disk', async () => {
    const disk = join(folder, 'shared');
    writeFileSync(disk, new Uint8Array(4096));
    const kernel = guest('waiting', print('k'), HANG);
    const { child, ended } = await started('64', kernel, '--block', disk);
    const second = runProgram(['64', kernel, '--block', disk]);
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toMatch(/^tslaunch: Block image .*shared is in use by .*\n$/);
    child.kill('SIGTERM');
    await ended;
  });

  it('runs no guest from a disk given twice by two names', () => {
    const disk = join(folder, 'shared');
    const alias = join(folder, 'alias');
    rmSync(alias, { force: true });
    writeFileSync(disk, new Uint8Array(4096));
    symlinkSync(disk, alias);
    const outcome = runProgram(['64', guest('off', POWER_OFF), '--block', disk, '--block', alias]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^tslaunch: Block image .*alias is in use by another disk of this guest\..*\n$/);
  });
});
