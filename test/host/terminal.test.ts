/** The terminal on a real pseudo-terminal: script(1) makes one, `stty -a` before and after tells what is left of it. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { windowSize } from '../../src/host/terminal.ts';

const GUEST = new URL('terminal-guest.ts', import.meta.url).pathname;
const PATIENCE = { timeout: 20_000, interval: 20 };

let folder: string;
let session: ChildProcessWithoutNullStreams | undefined;
let screen: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
  screen = '';
});
afterEach(() => {
  session?.kill('SIGKILL');
  session = undefined;
  rmSync(folder, { recursive: true });
});

/** Runs shell commands on a pseudo-terminal of their own; `$GUEST WAY` is the guest. */
function onTerminal(commands: string): void {
  session = spawn('script', ['-qec', `sh -c '${commands}'`, '/dev/null'], {
    cwd: folder,
    env: { ...process.env, GUEST: `${process.execPath} --import ${import.meta.resolve('tsx')} ${GUEST}` },
  });
  session.stdout.on('data', (bytes: Buffer) => {
    screen += bytes.toString('latin1');
  });
}
const shows = (what: string | RegExp) =>
  what instanceof RegExp
    ? expect.poll(() => screen, PATIENCE).toMatch(what)
    : expect.poll(() => screen, PATIENCE).toContain(what);
const type = (keys: string) => session!.stdin.write(keys);
const pid = () => Number(/ready (\d+)/.exec(screen)![1]);

/** Runs the guest between two looks at the terminal's settings. */
const between = (way: string) => `stty -a >before; $GUEST ${way}; echo status $?; stty -a >after; echo over`;
async function sameAsBefore(): Promise<void> {
  await shows('over');
  expect(readFileSync(join(folder, 'after'), 'utf8')).toBe(readFileSync(join(folder, 'before'), 'utf8'));
  expect(readFileSync(join(folder, 'before'), 'utf8')).toMatch(/\bisig icanon\b/);
}

describe('the terminal is as it was before', () => {
  it.each([
    ['end', 'status 0'],
    ['exit', 'status 7'],
    ['throw', 'status 1'],
    ['reject', 'status 1'],
  ])('after %s', async (way, status) => {
    onTerminal(between(way));
    await sameAsBefore();
    expect(screen).toContain(status);
    if (status === 'status 1') expect(screen).toContain('a mistake of ours');
  });

  it.each(['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const)('after %s', async signal => {
    onTerminal(`ulimit -c 0; ${between('wait')}`);
    await shows('ready');
    process.kill(pid(), signal);
    await sameAsBefore();
    // A shell reports 128 plus the signal: it was not swallowed.
    expect(screen).toMatch(/status 1(43|29|30|31)/);
  });

  it('after a signal that the launcher answers itself', async () => {
    onTerminal(between('signals'));
    await shows('ready');
    process.kill(pid(), 'SIGTERM');
    await sameAsBefore();
    expect(screen).toContain('asked by SIGTERM');
    expect(screen).toContain('status 3');
  });

  it.each([
    ['^C^C^C', '\x03\x03\x03', 'interrupted'],
    ['process.exit with the guest running', 'X', 'status 9'],
    ['an exception with the guest running', 'T', 'status 1'],
  ])('after %s', async (_name, keys, says) => {
    onTerminal(between('wait'));
    await shows('ready');
    type(keys);
    await sameAsBefore();
    expect(screen).toContain(says);
  });

  it('while stopped by job control, and raw again afterwards', async () => {
    onTerminal(
      `stty -a >before; set -m; $GUEST wait; echo stopped $?; stty -a >while; fg >/dev/null; echo status $?; stty -a >after; echo over`,
    );
    await shows('ready');
    process.kill(pid(), 'SIGTSTP');
    await shows(/stopped 14\d/);
    await new Promise(resolve => setTimeout(resolve, 300));
    // No line is sent off by Enter here: a raw terminal passes each key by itself.
    type('a');
    await shows('[a]');
    type('q');
    await sameAsBefore();
    expect(readFileSync(join(folder, 'while'), 'utf8')).toBe(readFileSync(join(folder, 'before'), 'utf8'));
  });
});

describe('keys', () => {
  it('all go to the guest, the special ones too', async () => {
    onTerminal(between('wait'));
    await shows('ready');
    for (const [key, shown] of [
      ['\x03', '[<3>]'],
      ['\x1a', '[<26>]'],
      ['\x1c', '[<28>]'],
      ['\x04', '[<4>]'],
      ['\x13', '[<19>]'],
      ['\x11', '[<17>]'],
      ['\x16', '[<22>]'],
      ['\r', '[<13>]'],
      ['\n', '[<10>]'],
      ['\x7f', '[<127>]'],
      ['\x1b[A', '[<27>[A]'],
      ['\xc3\xa4', '[<195><164>]'],
    ] as const) {
      session!.stdin.write(Buffer.from(key, 'latin1'));
      await shows(shown);
    }
    type('q');
    await sameAsBefore();
  });

  it('are not echoed by the terminal', async () => {
    onTerminal(between('wait'));
    await shows('ready');
    type('k');
    await shows('[k]');
    expect(screen.slice(screen.indexOf('ready'))).not.toMatch(/k\[k\]/);
    type('q');
    await shows('over');
  });
});

describe('the window', () => {
  it('is known at the start and at every change', async () => {
    onTerminal(`stty cols 91 rows 33; tty >name; ${between('wait')}`);
    await shows(/ready \d+ 91x33/);
    const tty = readFileSync(join(folder, 'name'), 'utf8').trim();
    for (const [columns, rows] of [
      [120, 40],
      [10, 5],
    ]) {
      spawn('stty', ['-F', tty, 'cols', String(columns), 'rows', String(rows)]);
      await shows(`now ${columns}x${rows}`);
    }
    type('q');
    await shows('over');
  });

  it('is that of the terminal wherever there is one: output into a pipe', async () => {
    onTerminal('stty cols 77 rows 22; $GUEST end | cat; echo over');
    await shows('over');
    expect(screen).toMatch(/ready \d+ 77x22/);
  });

  it('without a size, or without a terminal, counts as 80 by 24', async () => {
    onTerminal('stty cols 0 rows 0; $GUEST end; echo over');
    await shows('over');
    expect(screen).toMatch(/ready \d+ 80x24/);
    expect(windowSize(9999)).toBeUndefined();
  });
});

describe('remarks of the launcher', () => {
  it('begin at the left edge of a raw terminal', async () => {
    onTerminal(between('warn'));
    await shows('a remark');
    expect(screen).toMatch(/tslaunch: a remark\r+\n/);
    type('q');
    await sameAsBefore();
  });
});
