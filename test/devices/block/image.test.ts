import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MiB } from '../../../src/base/bits.ts';
import { describeError, type HostError, UsageError } from '../../../src/base/errors.ts';
import { log } from '../../../src/base/log.ts';
import type { BlockBackend } from '../../../src/devices/block/backend.ts';
import { type ImageOptions, openImage } from '../../../src/devices/block/image.ts';
import { openFilesIn } from '../../support/open-files.ts';
import { qemuImg, qemuIo } from './qcow2/support/qemu.ts';

let folder: string;
let lines: string[];
const open: BlockBackend[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-image-'));
  lines = [];
  log.setSink(line => lines.push(line.replaceAll(folder, '')));
});
afterEach(async () => {
  for (const disk of open.splice(0)) await disk.close();
  rmSync(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
async function opened(name: string, options: Partial<ImageOptions> = {}): Promise<BlockBackend> {
  const disk = await openImage(at(name), { readOnly: false, ...options });
  open.push(disk);
  return disk;
}
async function refusal(
  name: string,
  options: Partial<ImageOptions> = {},
  kind: typeof UsageError | typeof HostError = UsageError,
) {
  const error = await opened(name, options).then(
    () => new Error('it was opened'),
    (error: Error) => error,
  );
  expect(error).toBeInstanceOf(kind);
  return describeError(error).replaceAll(folder, '');
}
const overlay = (name: string, base: string, format?: string) =>
  qemuImg('create', '-q', '-u', '-f', 'qcow2', '-b', base, ...(format ? ['-F', format] : []), at(name), '1M');
/** Takes the statement of the base's format out of an image's header: the type of that extension becomes an unknown one. */
function forgetFormat(name: string): void {
  const bytes = readFileSync(at(name));
  const place = bytes.indexOf(Uint8Array.of(0xe2, 0x79, 0x2a, 0xca));
  bytes.writeUInt32BE(0x1234_5678, place);
  writeFileSync(at(name), bytes);
}
async function firstByte(disk: BlockBackend): Promise<number> {
  const sector = new Uint8Array(512);
  await disk.read(0, [sector]);
  return sector[0]!;
}
const descriptors = () => openFilesIn(folder);

describe('the format of an image', () => {
  it('is what its first bytes say, or the user', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('a.qcow2'), '10M');
    writeFileSync(at('a.raw'), new Uint8Array(MiB));
    expect((await opened('a.qcow2')).size).toBe(10 * MiB);
    expect((await opened('a.raw')).size).toBe(MiB);
    for (const disk of open.splice(0)) await disk.close();
    expect((await opened('a.qcow2', { format: 'raw' })).size).toBeLessThan(MiB);
    expect(await refusal('a.raw', { format: 'qcow2' })).toBe(
      'Block image /a.raw is no qcow2 image. Say format=raw if its bytes are the disk, or convert it with qemu-img.',
    );
  });

  it('if guessed, is not for the guest to change', async () => {
    writeFileSync(at('a.raw'), new Uint8Array(MiB));
    const header = new Uint8Array(1024);
    header.set([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3]);
    const guessed = await opened('a.raw');
    for (const parts of [[header], [header.subarray(0, 2), header.subarray(2)]]) {
      expect(() => guessed.write(0, parts, false)).toThrow('a qcow2 header');
    }
    expect(lines).toEqual([
      'tslaunch: block image /a.raw: the guest wants to make it look like a qcow2 image, which is refused; append ",format=raw" if that is meant to be.\n',
    ]);
    await guessed.write(512, [header], false);
    await guessed.write(0, [new Uint8Array(100).fill(7), new Uint8Array(924).fill(8)], true);
    expect([...readFileSync(at('a.raw')).subarray(99, 101)]).toEqual([7, 8]);
    expect(readFileSync(at('a.raw'))[1023]).toBe(8);
    await open.pop()!.close();
    const stated = await opened('a.raw', { format: 'raw' });
    await stated.write(0, [header], false);
    expect(readFileSync(at('a.raw')).subarray(0, 4)).toEqual(Buffer.from([0x51, 0x46, 0x49, 0xfb]));
  });
});

describe("another program's image", () => {
  it.each(['vmdk', 'vdi', 'vhdx', 'vpc', 'qed', 'parallels'])('(%s) is refused unless it is meant', async format => {
    qemuImg('create', '-q', '-f', format, at('other'), '10M');
    expect(await refusal('other')).toMatch(
      /^Block image \/other looks like a \w+ image, which is no disk as it is\. Convert it with `qemu-img convert -O qcow2 \/other NEW`, or append ",format=raw"/,
    );
    expect((await opened('other', { format: 'raw' })).size).toBeGreaterThan(0);
  });

  it.each([
    ['gzip', 'a gzip file', 'gunzip -k /x.img'],
    ['xz', 'an xz file', 'unxz -k'],
    ['bzip2', 'a bzip2 file', 'bunzip2 -k'],
  ])('packed by %s is refused', async (program, what, remedy) => {
    writeFileSync(at('x'), new Uint8Array(MiB));
    writeFileSync(at('x.img'), execFileSync(program, ['-c', at('x')]));
    expect(await refusal('x.img')).toContain(`looks like ${what}`);
    expect(await refusal('x.img')).toContain(remedy);
  });
});

describe('a file that an image is based on', () => {
  it('is opened only if the user says so', async () => {
    writeFileSync(at('secret'), new Uint8Array(MiB).fill(5));
    overlay('a.qcow2', 'secret', 'raw');
    expect(await refusal('a.qcow2')).toBe(
      'Block image /a.qcow2 is based on another file, secret, and an image from a stranger could so show the guest any file of this host. ' +
        'If you trust the image, append ",backing=on".',
    );
    expect(await firstByte(await opened('a.qcow2', { backing: true }))).toBe(5);
  });

  it('is found relative to the image that names it, read-only and shared', async () => {
    mkdirSync(at('bases'));
    writeFileSync(at('bases/b.raw'), new Uint8Array(MiB).fill(5));
    overlay('bases/c.qcow2', 'b.raw', 'raw');
    overlay('a.qcow2', 'bases/c.qcow2', 'qcow2');
    overlay('d.qcow2', at('bases/c.qcow2'), 'qcow2');
    for (const name of ['a.qcow2', 'd.qcow2']) expect(await firstByte(await opened(name, { backing: true }))).toBe(5);
    expect(await refusal('bases/c.qcow2', { backing: true })).toContain('is in use by another disk of this guest.');
    await open[0]!.write(0, [new Uint8Array(512).fill(6)], true);
    expect(await firstByte(open[0]!)).toBe(6);
    expect(await firstByte(open[1]!)).toBe(5);
  });

  it('may be missing, itself, or no file at all: each has its sentence, and nothing stays open', async () => {
    overlay('a.qcow2', 'gone', 'raw');
    overlay('loop.qcow2', 'other.qcow2', 'qcow2');
    overlay('other.qcow2', 'link', 'qcow2');
    symlinkSync('loop.qcow2', at('link'));
    overlay('net.qcow2', 'nbd://example.org/x', 'raw');
    overlay('vmdk.qcow2', 'a.qcow2', 'vmdk');
    overlay('zero.qcow2', 'empty', 'raw');
    writeFileSync(at('empty'), '');
    const before = descriptors();
    const backing = { backing: true };
    expect(await refusal('a.qcow2', backing)).toBe(
      'Base image /gone does not exist, and /a.qcow2 is based on it. Put it back, or point the image to where it is with `qemu-img rebase -u`.',
    );
    expect(await refusal('loop.qcow2', backing)).toBe(
      'Block image /other.qcow2 is based on itself, by way of /link. Take another copy of the images.',
    );
    expect(await refusal('net.qcow2', backing)).toContain(
      'is based on nbd://example.org/x, which is not a plain file.',
    );
    expect(await refusal('vmdk.qcow2', backing)).toContain(
      'is based on a file of format vmdk, which is not supported.',
    );
    expect(await refusal('zero.qcow2', backing)).toContain('/empty is empty.');
    expect(descriptors()).toBe(before);
  });

  it('whose format is not stated may not lead on to a further file', async () => {
    writeFileSync(at('secret'), new Uint8Array(MiB).fill(5));
    overlay('middle.qcow2', 'secret', 'raw');
    overlay('a.qcow2', 'middle.qcow2', 'qcow2');
    overlay('b.qcow2', 'secret', 'raw');
    forgetFormat('a.qcow2');
    forgetFormat('b.qcow2');
    expect(await refusal('a.qcow2', { backing: true })).toContain(
      'Block image /middle.qcow2 is based on another file, and the image above it does not say that it is a qcow2 image at all.',
    );
    expect(await firstByte(await opened('b.qcow2', { backing: true }))).toBe(5);
  });

  it('that somebody shortens makes reads fail, not lie', async () => {
    writeFileSync(at('base'), new Uint8Array(MiB).fill(5));
    overlay('a.qcow2', 'base', 'raw');
    const disk = await opened('a.qcow2', { backing: true });
    truncateSync(at('base'), 4096);
    await expect(disk.read(8192, [new Uint8Array(512)])).rejects.toThrow('a backing file ends early');
  });
});

describe('a qcow2 image', () => {
  it('that somebody shortens makes reads fail, not lie', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('a.qcow2'), '10M');
    qemuIo(at('a.qcow2'), 'write -P 3 0 1M');
    const disk = await opened('a.qcow2');
    expect(await firstByte(disk)).toBe(3);
    truncateSync(at('a.qcow2'), 400_000);
    await expect((async () => disk.read(MiB - 512, [new Uint8Array(512)]))()).rejects.toThrow('ends early');
  });

  it('opened read-only is not written, also if it was not closed well', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'lazy_refcounts=on', at('a.qcow2'), '10M');
    const bytes = readFileSync(at('a.qcow2'));
    bytes[79]! |= 1;
    writeFileSync(at('a.qcow2'), bytes);
    const disk = await opened('a.qcow2', { readOnly: true });
    expect(disk.readOnly).toBe(true);
    expect(await firstByte(disk)).toBe(0);
    await expect(disk.write(0, [new Uint8Array(512)], false)).rejects.toThrow('for reading only');
    await disk.flush();
    await open.pop()!.close();
    expect(readFileSync(at('a.qcow2')).equals(bytes)).toBe(true);
  });

  it('may be one disk of a guest, not two', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', at('a.qcow2'), '10M');
    await opened('a.qcow2');
    expect(await refusal('a.qcow2')).toContain('Block image /a.qcow2 is in use by another disk of this guest.');
  });
});
