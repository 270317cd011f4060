import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

  /** Runs it with something done first, on each of its threads. */
  function runAfter(code: string, args: readonly string[]) {
    const directory = mkdtempSync(join(tmpdir(), 'tslaunch-before-'));
    try {
      const before = join(directory, 'before.cjs');
      writeFileSync(before, code);
      const words = ['--require', before, PROGRAM, ...args];
      const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', cwd: directory });
      return { status, stderr };
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it('says which Node it needs', () => {
    const under = (node: string) =>
      runAfter(`Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${node}' } })`, [
        '-h',
      ]);
    for (const version of ['18.20.8', '20.18.3']) {
      expect(under(version)).toEqual({
        status: 1,
        stderr: `tslaunch: It needs Node 20.19 or newer, and this is ${version}: install a newer one from nodejs.org.\n`,
      });
    }
    for (const version of ['20.19.0', '22.1.0']) expect(under(version), version).toEqual({ status: 0, stderr: '' });
    expect(manifest.engines.node).toBe('>=20.19');
  });

  it('never ends while a thread of its own is loading, which would be an abort', () => {
    const slowThreads = `
      const { isMainThread, parentPort } = require('node:worker_threads');
      if (!isMainThread) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
        const post = parentPort.postMessage;
        parentPort.postMessage = function (message) {
          require('node:fs').writeSync(2, message.kind + '\\n');
          post.call(this, message);
        };
      }`;
    const end = (...args: string[]) => {
      const { status, stderr } = runAfter(slowThreads, args);
      return { status, loaded: stderr.split('\n').includes('ready') };
    };
    expect(end('-h', '--frob')).toEqual({ status: 0, loaded: true });
    expect(end('--frob', '512')).toEqual({ status: 2, loaded: true });
    expect(end('512', 'missing')).toEqual({ status: 2, loaded: true });
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
