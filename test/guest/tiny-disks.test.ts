import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGuest } from '../../fixtures/guests/run.ts';
import { createImage } from '../../src/devices/block/qcow2/tools/create.ts';
import { outcome, PASS } from './tiny-run.ts';

// Disks whose files change, or fail, under a tiny guest.
let folder: string;
const undo: (() => void)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-disks-'));
});
afterEach(() => {
  for (const action of undo.splice(0).reverse()) action();
  rmSync(folder, { recursive: true, force: true });
});
const MiB = 2 ** 20;

function image(name: string, bytes: number, directory = folder): string {
  const path = join(directory, name);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

describe('a disk whose file grows', () => {
  it.each(['msix', 'intx', 'poll'])('is larger for the guest (interrupts: %s)', async irq => {
    const path = image('a.img', MiB);
    let told = false;
    const run = await runGuest('tslaunch', 'blk-features', {
      disks: [{ path, words: 'queues=2' }],
      arguments: [`irq=${irq}`, 'grow=1'],
      onOutput: text => {
        if (told || !text.includes('grow now')) return;
        told = true;
        truncateSync(path, 3 * MiB);
      },
    });
    expect(outcome(run)).toEqual(PASS);
    expect(run.text).toContain(`grown to ${(3 * MiB) / 512} sectors`);
    expect(statSync(path).size).toBe(3 * MiB);
  });
});

describe('a disk whose file is shortened', () => {
  it('gives I/O errors behind its end, one line, and does not grow again', async () => {
    const path = image('a.img', 2 * MiB);
    let told = false;
    const run = await runGuest('tslaunch', 'blk-faults', {
      disks: [{ path }, { path: image('b.img', MiB) }],
      arguments: ['mode=cut'],
      onOutput: text => {
        if (told || !text.includes('cut now')) return;
        told = true;
        truncateSync(path, MiB);
      },
    });
    expect(outcome(run)).toEqual(PASS);
    expect(run.errors).toMatch(/^tslaunch: block0 \(\S+a\.img\): a read failed on the host: the image ends early/m);
    expect(statSync(path).size).toBe(MiB);
  });
});

describe('two launchers', () => {
  it('share a base and no image; one that is killed lets go of all', async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'base.qcow2'), '8M']);
    for (const name of ['one', 'two']) {
      const backing = { file: 'base.qcow2', format: 'qcow2' } as const;
      await createImage(join(folder, name), { backing });
    }
    const start = (name: string, words: string[], onOutput?: (text: string) => void) =>
      runGuest('tslaunch', 'power-cut', {
        disks: [{ path: join(folder, name), words: 'backing=on' }],
        arguments: words,
        ...(onOutput ? { onOutput } : {}),
      });
    let refused: Promise<Awaited<ReturnType<typeof start>>> | undefined;
    let pid = 0;
    const first = start('one', ['batches=20000'], text => {
      if (refused || !text.includes('flushed')) return;
      pid = holder(join(folder, 'one'));
      refused = Promise.all([start('one', []), start('two', ['batches=3'])]).then(([same, other]) => {
        expect(outcome(other)).toEqual(PASS);
        process.kill(pid, 'SIGKILL');
        return same;
      });
    });
    expect((await first).signal).toBe('SIGKILL');
    const same = await refused!;
    expect(same.status).toBe(1);
    expect(same.errors).toMatch(new RegExp(`one is in use by process ${pid}\\. End that process`));
    expect(outcome(await start('one', ['batches=3']))).toEqual(PASS);
  });
});

/** The process that has a file open. */
function holder(path: string): number {
  const { ino } = statSync(path);
  const lock = readFileSync('/proc/locks', 'latin1').match(new RegExp(`FLOCK .* (\\d+) \\S+:${ino} 0 EOF`));
  return Number(lock?.[1]);
}

/** A file system of so many MiB, where we may mount one. */
function small(mib: number): string | undefined {
  const path = join(folder, `small-${mib}`);
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'none', path]).status !== 0) return undefined;
  undo.push(() => void execFileSync('umount', [path]));
  return path;
}

describe('a host without room', () => {
  it.for(['raw', 'qcow2'])('is an I/O error to the guest, once a line to the user: %s', async (format, { skip }) => {
    const path = small(3) ?? skip('nothing may be mounted here');
    const disk = format === 'raw' ? image('full.img', 8 * MiB, path) : join(path, 'full.qcow2');
    if (format === 'qcow2') await createImage(disk, { size: 8 * MiB });
    const run = await runGuest('tslaunch', 'blk-faults', {
      disks: [{ path: disk }, { path: image('b.img', MiB) }],
      arguments: ['mode=full'],
    });
    expect(outcome(run)).toEqual(PASS);
    expect(run.errors.match(/^tslaunch: block0 \(\S+\): a write failed on the host: ENOSPC; .*$/gm)).toHaveLength(1);
    if (format === 'qcow2') execFileSync('qemu-img', ['check', '-q', disk]);
  });
});

describe('a disk that fails when it is flushed', () => {
  it('fails every flush from then on, and the other disk none', async ({ skip }) => {
    // A loop device over a file on a full file system takes everything into the page cache and cannot write it.
    const path = small(2) ?? skip('nothing may be mounted here');
    const backing = image('loop.img', 8 * MiB, path);
    const { status, stdout } = spawnSync('losetup', ['--find', '--show', backing], { encoding: 'utf8' });
    if (status !== 0) skip('no loop devices here');
    const device = stdout.trim();
    undo.push(() => void execFileSync('losetup', ['--detach', device]));
    const run = await runGuest('tslaunch', 'blk-faults', {
      disks: [{ path: device }, { path: image('b.img', MiB) }],
      arguments: ['mode=flush'],
    });
    expect(outcome(run)).toEqual(PASS);
    expect(run.errors).toMatch(/^tslaunch: block0 \(\/dev\/loop\d+\): a flush failed on the host: (EIO|ENOSPC); /m);
    expect(run.errors).toMatch(/could not keep all that was written to \/dev\/loop\d+ \((EIO|ENOSPC)\)/);
  });
});
