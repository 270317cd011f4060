import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { helpText } from '../../src/cli/help.ts';
import { versionText } from '../../src/cli/version.ts';
import { buildProgram, PROGRAM, runProgram } from '../support/program.ts';
import { ROOT } from '../support/sources.ts';

beforeAll(buildProgram);
const manifest = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));

describe('the program', () => {
  it('prints its help, bundled as from source', async () => {
    expect(runProgram(['--help'])).toEqual({ status: 0, stdout: await helpText(), stderr: '' });
    expect(runProgram(['-h', '--frob'])).toMatchObject({ status: 0 });
  });

  it('prints the versions that matter, bundled as from source', async () => {
    const { status, stdout, stderr } = runProgram(['--version']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(await versionText());
    expect(stdout).toMatch(/^tslaunch \d+\.\d+\.\d+\nnode v\d+\.\d+\.\d+\nkvm .+\n$/);
    expect(stdout).toContain(manifest.version);
  });

  it('prints its version where there is no KVM', () => {
    const { status, stdout } = runProgram(['--version'], 'no-kvm');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^kvm not available: .*\/dev\/kvm does not exist/m);
  });

  it('says what to do where it was never built', () => {
    const directory = mkdtempSync(join(tmpdir(), 'tslaunch-unbuilt-'));
    try {
      cpSync(`${ROOT}/bin`, join(directory, 'bin'), { recursive: true });
      const { status, stderr } = spawnSync(process.execPath, [join(directory, 'bin/tslaunch.js')], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: 'tslaunch: It is not built yet: type "npm ci" (or "npm run build") in its directory.\n',
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('does not mind a reader that goes away', () => {
    const { stderr } = spawnSync('sh', ['-c', '"$0" "$1" --help | true', process.execPath, PROGRAM], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
  });
});

describe('the doctor', () => {
  const findings = (stdout: string) => JSON.parse(stdout) as { guestsCanRun: boolean; findings: { name: string }[] };

  it('answers in JSON as in text, with a status that says the same', () => {
    const json = runProgram(['doctor', '--json']);
    const text = runProgram(['doctor']);
    const report = findings(json.stdout);
    expect(json.status).toBe(report.guestsCanRun ? 0 : 1);
    expect(text.status).toBe(json.status);
    for (const { name } of report.findings) expect(text.stdout).toContain(name);
    expect(text.stdout).not.toContain('\u001b');
    expect(text.stderr + json.stderr).toBe('');
  });

  it.each([
    ['no-kvm', 'does not exist'],
    ['forbidden-kvm', 'no permission to open it'],
  ] as const)('fails on a host with %s, and says what to type', (host, found) => {
    const { status, stdout } = runProgram(['doctor', '--json'], host);
    expect(status).toBe(1);
    expect(findings(stdout)).toMatchObject({ guestsCanRun: false });
    expect(findings(stdout).findings).toContainEqual({
      name: '/dev/kvm',
      status: 'missing',
      found,
      remedy: expect.stringMatching(/\w/),
    });
  });
});
