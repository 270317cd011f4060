import { execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeError, HostError, UsageError } from '../../../src/base/errors.ts';
import { log } from '../../../src/base/log.ts';
import { openImage } from '../../../src/devices/block/image.ts';
import type { RawFile } from '../../../src/devices/block/raw-file.ts';
import { openFailure } from '../../../src/devices/block/raw-file-errors.ts';
import { openFilesIn } from '../../support/open-files.ts';
import { Random } from '../random.ts';

let folder: string;
let image: string;
let lines: string[];
const open: RawFile[] = [];
const content = new Random(4).bytes(1024 * 1024);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
  image = join(folder, 'disk.img');
  writeFileSync(image, content);
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(async () => {
  for (const file of open.splice(0)) await file.close();
  rmSync(folder, { recursive: true });
});
/** As the launcher opens a disk that the user calls raw. */
const openRaw = (path: string, readOnly = false) => openImage(path, { readOnly, format: 'raw' }) as Promise<RawFile>;
async function opened(readOnly = false, path = image): Promise<RawFile> {
  const file = await openRaw(path, readOnly);
  open.push(file);
  return file;
}
async function refusal(path: string, readOnly = false): Promise<[Error, string]> {
  const error = await opened(readOnly, path).then(
    () => new Error('it was opened'),
    (error: Error) => error,
  );
  return [error, describeError(error).replaceAll(folder, '')];
}
const openDescriptors = () => openFilesIn(folder);

describe('a raw image', () => {
  it('reads and writes where it is told, cached or not', async () => {
    const file = await opened();
    expect(file).toMatchObject({ size: content.length, readOnly: false, label: image });
    for (const length of [512, 65_536, 600_000]) {
      const parts = [new Uint8Array(length - 100), new Uint8Array(100)];
      expect(await file.read(512, parts)).toBe(length);
      expect(Buffer.concat(parts).equals(content.subarray(512, 512 + length))).toBe(true);
    }
    await file.write(1024, [Uint8Array.of(1, 2), Uint8Array.of(3)], false);
    await file.write(2048, [Uint8Array.of(4)], true);
    await file.flush();
    const now = readFileSync(image);
    expect([...now.subarray(1024, 1027), now[2048]]).toEqual([1, 2, 3, 4]);
    expect(now.length).toBe(content.length);
  });

  it('that was shortened meanwhile reads short instead of making bytes up', async () => {
    const file = await opened();
    truncateSync(image, 1000);
    expect(await file.read(512, [new Uint8Array(1024)])).toBe(488);
  });

  it('is opened read-only on demand, and then never written', async () => {
    const file = await opened(true);
    expect(file.readOnly).toBe(true);
    await expect(file.write(0, [Uint8Array.of(1)], false)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.write(0, [Uint8Array.of(1)], true)).rejects.toMatchObject({ code: 'EBADF' });
    await file.flush();
    expect(readFileSync(image).equals(content)).toBe(true);
  });

  it('of an odd size is rounded down, and the user told', async () => {
    truncateSync(image, 1500);
    expect((await opened()).size).toBe(1024);
    expect(lines).toEqual([
      `tslaunch: block image ${image} is 1500 bytes, not a multiple of 512: the guest sees the first 1024.\n`,
    ]);
    expect(statSync(image).size).toBe(1500);
  });

  it('may have holes and be huge', async () => {
    truncateSync(image, 2 ** 41);
    const file = await opened();
    expect(file.size).toBe(2 ** 41);
    const end = new Uint8Array(512).fill(1);
    expect(await file.read(2 ** 41 - 512, [end])).toBe(512);
    expect(end.every(byte => byte === 0)).toBe(true);
  });

  it('is refused, with a sentence, where it cannot be a disk', async () => {
    mkdirSync(join(folder, 'dir'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'tiny'), 'x');
    symlinkSync('loop', join(folder, 'loop'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const server = createServer().listen(join(folder, 'socket'));
    const before = openDescriptors();
    const sentences = new Map([
      ['none', 'Block image /none does not exist. Check the path, or make an image with `truncate -s 1G FILE`.'],
      ['disk.img/x', 'Block image /disk.img/x does not exist. Check the path: a part of it is not a directory.'],
      ['dir', 'Block image /dir is a directory. Name a regular file or a block device.'],
      ['fifo', 'Block image /fifo is a pipe. Name a regular file or a block device.'],
      ['socket', 'Block image /socket is a socket. Name a regular file or a block device.'],
      ['loop', 'Block image /loop is a symbolic link that leads nowhere. Check the path.'],
      ['empty', 'Block image /empty is empty. Give it a size, for example with `truncate -s 1G /empty`.'],
      [
        'tiny',
        'Block image /tiny is shorter than a sector of 512 bytes. Give it a size, for example with `truncate -s 1G /tiny`.',
      ],
    ]);
    for (const [name, sentence] of sentences) {
      for (const readOnly of [false, true]) {
        const [error, text] = await refusal(join(folder, name), readOnly);
        expect(error).toBeInstanceOf(UsageError);
        expect(text).toBe(sentence);
      }
    }
    expect((await refusal('/dev/null'))[1]).toBe(
      'Block image /dev/null is a character device. Name a regular file or a block device.',
    );
    expect(openDescriptors()).toBe(before);
    server.close();
  });

  it.each([
    ['EACCES', false, 'permission denied. Change its permissions, or append ",ro".'],
    ['EACCES', true, 'cannot be read: permission denied. Change its permissions.'],
    ['EROFS', false, 'is on a read-only file system. Append ",ro".'],
    ['ETXTBSY', false, 'is a program that is running.'],
    ['EMFILE', true, 'too many open files. Raise the limit'],
    ['EIO', true, 'cannot be opened (EIO).'],
  ])('explains %s (read-only: %s)', (code, readOnly, sentence) => {
    const error = openFailure('x.img', readOnly, Object.assign(new Error(code), { code }));
    expect(error).toBeInstanceOf(UsageError);
    expect(describeError(error)).toContain(sentence);
  });

  it('may be one disk of a guest, not two', async () => {
    await opened();
    for (const readOnly of [false, true]) {
      const [error, text] = await refusal(image, readOnly);
      expect(error).toBeInstanceOf(UsageError);
      expect(text).toMatch(/^Block image \/disk.img is in use by another disk of this guest\. Name each image once/);
    }
  });

  it('may have many readers, and no writer beside them', async () => {
    await opened(true);
    await opened(true);
    expect((await refusal(image))[1]).toContain('in use by another disk');
    for (const file of open.splice(0)) await file.close();
    await opened();
  });

  it('that another process has open is refused by the name of that, and free when it is gone', async () => {
    const holder = spawn('flock', ['--no-fork', image, 'sh', '-c', 'echo ready; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const gone = new Promise(resolve => holder.once('close', resolve));
    await new Promise(resolve => holder.stdout.once('data', resolve));
    const [error, text] = await refusal(image);
    expect(error).toBeInstanceOf(HostError);
    expect(text).toMatch(new RegExp(`^Block image /disk.img is in use by process ${holder.pid}\\. End that process`));
    expect((await refusal(image, true))[1]).toContain(`process ${holder.pid}, which may write to it.`);
    holder.kill();
    await gone;
    await opened();
  });

  it('gives its lock and descriptors back', async () => {
    const before = openDescriptors();
    const file = await openRaw(image);
    await file.close();
    expect(openDescriptors()).toBe(before);
    closeSync(openSync(image, 'r+'));
  });
});
