import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeError, HostError } from '../../src/base/errors.ts';
import { openImage } from '../../src/devices/block/image.ts';
import { joinQemuLocks } from '../../src/host/qemu-lock.ts';

let folder: string;
let image: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-lock-'));
  image = join(folder, 'a.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M']);
});
afterEach(() => rmSync(folder, { recursive: true }));
const qemuIo = (...options: string[]) => spawnSync('qemu-io', [...options, image], { encoding: 'utf8' });

/** A QEMU tool that has the image open until it is told to go. */
async function holder(...options: string[]): Promise<() => Promise<void>> {
  const interactive = spawn('qemu-io', [...options, image], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>(resolve => interactive.once('close', () => resolve()));
  interactive.stdin.write('length\n');
  await new Promise(resolve => interactive.stdout.once('data', resolve));
  return () => {
    interactive.stdin.end('quit\n');
    return ended;
  };
}

describe('an image that we have open', () => {
  it('is not written by QEMU, nor read while we write', async () => {
    const disk = await openImage(image, { readOnly: false });
    for (const options of [[], ['-r']]) expect(qemuIo(...options, '-c', 'read 0 512').stderr).toMatch(/lock/);
    await disk.close();
    expect(qemuIo('-c', 'write 0 512')).toMatchObject({ status: 0, stderr: '' });
  });

  it('is read by QEMU beside us if we only read', async () => {
    const disk = await openImage(image, { readOnly: true });
    expect(qemuIo('-r', '-c', 'read 0 512')).toMatchObject({ status: 0, stderr: '' });
    expect(qemuIo('-c', 'write 0 512').stderr).toMatch(/lock/);
    await disk.close();
  });
});

describe('an image that QEMU has open', () => {
  it('is refused in one sentence', async () => {
    const release = await holder();
    for (const readOnly of [false, true]) {
      const error = await openImage(image, { readOnly }).then(
        () => new Error('it was opened'),
        (error: Error) => error,
      );
      expect(error).toBeInstanceOf(HostError);
      expect(describeError(error)).toMatch(/a\.qcow2 is in use by QEMU or one of its tools\. End that first/);
    }
    await release();
    await (await openImage(image, { readOnly: false })).close();
  });

  it('is read beside it if it only reads', async () => {
    const release = await holder('-r');
    await (await openImage(image, { readOnly: true })).close();
    await release();
  });
});

describe('the locks', () => {
  it('belong to the open file', () => {
    const [a, b] = [openSync(image, 'r+'), openSync(image, 'r+')];
    expect(joinQemuLocks(a, ['read', 'write'], ['write'])).toBeUndefined();
    expect(joinQemuLocks(b, ['read'], [])).toBeUndefined();
    expect(joinQemuLocks(b, ['write'], [])).toBe('write');
    expect(joinQemuLocks(b, ['read'], ['write'])).toBe('write');
    closeSync(a);
    expect(joinQemuLocks(b, ['write'], ['write'])).toBeUndefined();
    closeSync(b);
  });
});
