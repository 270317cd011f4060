/** Standard input and output that are no terminal: files, pipes, nothing. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../devices/random.ts';

const CAT = new URL('terminal-cat.ts', import.meta.url).pathname;
const guest = `${process.execPath} --import ${import.meta.resolve('tsx')} ${CAT}`;
const folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
const input = Buffer.alloc(10 * 1024 * 1024, new Random(6).bytes(65_521));
// Three of what would be an interrupt, were it typed.
input.fill(3, 1000, 1003);
writeFileSync(join(folder, 'input'), input);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a shell command line; resolves to its output and what it said. */
async function run(command: string): Promise<{ stdout: Buffer; stderr: string }> {
  const options = { cwd: folder, encoding: 'buffer' as const, maxBuffer: 64 * 1024 * 1024, timeout: 30_000 };
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], options);
  return { stdout, stderr: stderr.toString() };
}
const sha = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('10 MiB arrive byte for byte', () => {
  it.each([
    ['from a pipe into a pipe', `cat input | ${guest} | cat`],
    ['from a file into a pipe', `${guest} <input | cat`],
    ['from a pipe into a file', `cat input | ${guest} >output; cat output`],
    ['to a reader that is slow', `cat input | ${guest} | (sleep 0.5; cat)`],
    ['through a guest that is slow', `cat input | ${guest} slow | cat`],
  ])('%s', { timeout: 40_000 }, async (_name, command) => {
    const { stdout, stderr } = await run(command);
    expect(stdout.length).toBe(input.length);
    expect(sha(stdout)).toBe(sha(input));
    expect(stderr).toContain(`end after ${input.length}\nclosed\n`);
    expect(stderr).not.toContain('interrupted');
  });
});

describe('nothing there', () => {
  it.each([
    ['no input', `${guest} </dev/null`],
    ['input closed', `${guest} <&-`],
    ['a directory for input', `${guest} <.`],
  ])('%s is the end of the input, not of the guest', async (_name, command) => {
    const { stdout, stderr } = await run(command);
    expect(stdout).toHaveLength(0);
    expect(stderr).toBe('size 80x24\nend after 0\nclosed\n');
  });

  it.each([
    ['output that goes away', `${guest} <input | head -c 100 >/dev/null`, 'EPIPE'],
    ['a full disk', `${guest} <input >/dev/full`, 'ENOSPC'],
  ])('%s is said once, and the guest goes on', async (_name, command, code) => {
    const { stderr } = await run(command);
    expect(stderr).toBe(
      `size 80x24\ntslaunch: standard output is gone (${code}); the guest goes on without it.\nend after ${input.length}\nclosed\n`,
    );
  });

  it('output closed swallows everything', async () => {
    const { stderr } = await run(`${guest} <input >&-`);
    expect(stderr).toContain(`end after ${input.length}\nclosed\n`);
  });
});

describe('a reader that does not read', () => {
  it('does not keep the launcher from ending', async () => {
    const child = spawn('sh', ['-c', `exec ${guest} flood </dev/null`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const status = new Promise(resolve => child.once('exit', resolve));
    child.stdout.pause();
    expect(await status).toBe(0);
  });

  it('stays as it was: no descriptor is left in non-blocking mode', () => {
    writeFileSync(join(folder, 'short'), 'x');
    const flags = 'grep flags /proc/self/fdinfo/0';
    const command = `${flags} >before; ${guest} 2>said; ${flags} >after`;
    const look = (name: string) => readFileSync(join(folder, name), 'utf8');
    expect(execFileSync('sh', ['-c', `cat short | (${command}) | cat`], { cwd: folder, encoding: 'utf8' })).toBe('x');
    expect(look('said')).toContain('end after 1');
    expect(look('before')).toMatch(/^flags:\s+0\d+\n$/);
    expect(look('after')).toBe(look('before'));
  });
});
