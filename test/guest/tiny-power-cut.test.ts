import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGuest } from '../../fixtures/guests/build.ts';
import { commandLine } from '../../fixtures/guests/launchers.ts';
import { lost } from '../../fixtures/guests/power-cut.ts';
import { exec } from '../../fixtures/support/exec.ts';
import { Random } from '../devices/random.ts';

/** How often each disk loses its launcher; 50 is what a release is worth. */
const CUTS = Number(process.env.TSLAUNCH_TEST_CUTS ?? 6);
const SEED = 2026;
const MIB = 24;

/** The launcher is killed at a random moment while its guest writes and flushes: what the guest was told is flushed must be there. */
describe('a launcher that is killed while its guest writes', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tslaunch-cut-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['raw', 'raw', '', ''],
    ['qcow2', 'qcow2', '', ''],
    ['qcow2 with small clusters, past the page cache', 'qcow2', 'cluster_size=4k', ',cache=none'],
    ['qcow2 with lazy refcounts', 'qcow2', 'lazy_refcounts=on,cluster_size=16k', ''],
  ])(
    'loses nothing that was flushed: %s',
    { timeout: 30_000 + CUTS * 10_000 },
    async (name, format, options, words) => {
      const image = join(folder, `${name.replaceAll(/\W/g, '-')}.img`);
      await exec('qemu-img', ['create', '-q', '-f', format, ...(options ? ['-o', options] : []), image, `${MIB}M`]);
      const random = new Random(SEED);
      let last = 0;
      for (let cut = 1; cut <= CUTS; cut++) {
        const before = last;
        last = await runAndKill(`${image}${words}`, last, random.below(300));
        const where = `cut ${cut} of ${CUTS}, flushed ${before} to ${last}, seed ${SEED}`;
        expect(last, where).toBeGreaterThan(before);
        const content = join(folder, 'content.raw');
        if (format === 'qcow2') {
          // 3 stands for leaks, which cost space and no data, and are taken back when the image is next opened.
          await exec('qemu-img', ['check', '-q', '-f', 'qcow2', image], { okStatuses: [0, 3] });
          await exec('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, content]);
        }
        expect(lost(await readFile(format === 'raw' ? image : content), last), where).toEqual([]);
      }
    },
  );
});

/** Runs the guest until some time after its first flush. Returns the last batch that it said was flushed. */
async function runAndKill(disk: string, last: number, milliseconds: number): Promise<number> {
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
    if (text.includes('flushed')) heard();
  });
  child.stderr.on('data', chunk => {
    errors += chunk.toString('latin1');
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  await Promise.race([flushing, ended]);
  await sleep(milliseconds);
  child.kill('SIGKILL');
  await ended;
  const complaints = errors.replace(/^tslaunch: block image \S+ was not closed well: .*\n/m, '');
  expect(text + complaints, 'nobody complains').not.toMatch(/not ok|tslaunch: /);
  const lines = text.match(/^flushed \d+\r?\n/gm) ?? [];
  return Number(lines.at(-1)?.slice(8) ?? last);
}
