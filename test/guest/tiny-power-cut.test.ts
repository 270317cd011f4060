import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildGuest } from '../../fixtures/guests/build.ts';
import { commandLine } from '../../fixtures/guests/launchers.ts';
import { lost } from '../../fixtures/guests/power-cut.ts';
import { exec } from '../../fixtures/support/exec.ts';
import { Random } from '../devices/random.ts';

// The launcher is killed at random moments while its guest writes and flushes: what the guest was told is flushed must be there.

/** How often each disk loses its launcher; 50 is what a release is worth. */
const CUTS = Number(process.env.TSLAUNCH_TEST_CUTS ?? 4);
const TIMEOUT = 60_000 + CUTS * 10_000;
const SEED = 2026;
const MIB = 24;

let folder: string;
const undo: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-cut-'));
});
afterEach(() => {
  for (const action of undo.splice(0).reverse()) action();
  rmSync(folder, { recursive: true, force: true });
});

/** Cuts again and again, each time going on from what is left. `content` is what is on the disk after a cut. */
async function cutAgainAndAgain(disk: string, content: () => Promise<Buffer> | Buffer): Promise<void> {
  const random = new Random(SEED);
  let last = 0;
  for (let cut = 1; cut <= CUTS; cut++) {
    const before = last;
    // In turn right after a line, when a flush that was acknowledged early would still be under way, and at any time.
    const moment = { lines: 1 + random.below(10), milliseconds: cut % 2 === 0 ? random.below(200) : 0 };
    last = await runAndKill(disk, last, moment);
    const where = `cut ${cut} of ${CUTS}, flushed ${before} to ${last}, seed ${SEED}`;
    expect(last, where).toBeGreaterThan(before);
    expect(lost(await content(), last), where).toEqual([]);
  }
}

describe('a launcher that is killed while its guest writes', () => {
  it.each([
    ['raw', 'raw', '', ''],
    ['qcow2', 'qcow2', '', ''],
    ['qcow2 with small clusters, past the page cache', 'qcow2', 'cluster_size=4k', ',cache=none'],
    ['qcow2 with lazy refcounts', 'qcow2', 'lazy_refcounts=on,cluster_size=16k', ''],
  ])('loses nothing that was flushed: %s', { timeout: TIMEOUT }, async (_name, format, options, words) => {
    const image = join(folder, 'disk.img');
    const content = join(folder, 'content.raw');
    await exec('qemu-img', ['create', '-q', '-f', format, ...(options ? ['-o', options] : []), image, `${MIB}M`]);
    await cutAgainAndAgain(`${image}${words}`, async () => {
      if (format === 'raw') return readFileSync(image);
      // 3 stands for leaks, which cost space and no data, and are taken back when the image is next opened.
      await exec('qemu-img', ['check', '-q', '-f', 'qcow2', image], { okStatuses: [0, 3] });
      await exec('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, content]);
      return readFileSync(content);
    });
  });
});

/**
 * A block device over a file: what is in the file has reached the medium, what is in the device's page cache would be lost with the power.
 * Somebody else keeps the device open, for the kernel writes everything out when the last one closes it.
 */
describe('a host that loses power while a guest writes', () => {
  it.for(['writeback', 'writethrough', 'none'])(
    'loses nothing that was flushed: cache=%s',
    { timeout: TIMEOUT },
    async (cache, { skip }) => {
      const medium = join(folder, 'medium');
      writeFileSync(medium, '');
      truncateSync(medium, MIB << 20);
      const { status, stdout } = spawnSync('losetup', ['--find', '--show', medium], { encoding: 'utf8' });
      if (status !== 0) skip('no loop devices here');
      const device = stdout.trim();
      undo.push(() => void execFileSync('losetup', ['--detach', device]));
      const held = openSync(device, 'r');
      undo.push(() => closeSync(held));
      await cutAgainAndAgain(`${device},cache=${cache}`, () => readFileSync(medium));
    },
  );
});

/** When to kill: so long after so many flushes. */
interface Moment {
  readonly lines: number;
  readonly milliseconds: number;
}

/** Runs the guest until that moment. Returns the last batch that it said was flushed. */
async function runAndKill(disk: string, last: number, { lines, milliseconds }: Moment): Promise<number> {
  const elf = await buildGuest('power-cut');
  const [program, ...rest] = commandLine('tslaunch', elf, {
    disks: [{ path: disk }],
    arguments: [`start=${last + 1}`],
  });
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let errors = '';
  let heard = () => {};
  const flushing = new Promise<void>(resolve => {
    heard = resolve;
  });
  child.stdout.on('data', chunk => {
    text += chunk.toString('latin1');
    if (flushes(text).length >= lines) heard();
  });
  child.stderr.on('data', chunk => {
    errors += chunk.toString('latin1');
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  await Promise.race([flushing, ended]);
  if (milliseconds > 0) await sleep(milliseconds);
  child.kill('SIGKILL');
  await ended;
  const complaints = errors.replace(/^tslaunch: block image \S+ was not closed well: .*\n/m, '');
  expect(text + complaints, 'nobody complains').not.toMatch(/not ok|tslaunch: /);
  return flushes(text).at(-1) ?? last;
}

/** The batches that a guest's output says are flushed. */
function flushes(text: string): number[] {
  return (text.match(/^flushed \d+\r?\n/gm) ?? []).map(line => Number(line.slice(8)));
}
