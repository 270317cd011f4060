import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../../src/base/errors.ts';
import { log } from '../../../src/base/log.ts';
import { HostFile } from '../../../src/devices/block/host-file.ts';
import { CdromImage } from '../../../src/devices/scsi/image.ts';
import { openDrive } from '../../../src/devices/scsi/open-drive.ts';
import { openFilesIn } from '../../support/open-files.ts';
import { Random } from '../random.ts';

let folder: string;
let image: string;
let lines: string[];
const open: { close(): Promise<void> }[] = [];
const content = new Random(8).bytes(10 * 2048);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-'));
  image = join(folder, 'a.iso');
  writeFileSync(image, content);
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(async () => {
  for (const file of open.splice(0)) await file.close();
  rmSync(folder, { recursive: true });
});
async function opened(path = image): Promise<CdromImage> {
  const file = await CdromImage.open(path);
  open.push(file);
  return file;
}
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error('it was opened'),
    (error: Error) => error,
  );
  expect(error).toBeInstanceOf(UsageError);
  return describeError(error).replaceAll(folder, '');
}
const openDescriptors = () => openFilesIn(folder);

describe('a CD-ROM image', () => {
  it('is read where it is told', async () => {
    const file = await opened();
    expect(file).toMatchObject({ blocks: 10, label: image });
    const parts = [new Uint8Array(1000), new Uint8Array(3096)];
    expect(await file.read(4096, parts)).toBe(4096);
    expect(Buffer.concat(parts).equals(content.subarray(4096, 8192))).toBe(true);
  });

  it('of an odd size is rounded down, and the user told', async () => {
    truncateSync(image, 5000);
    expect((await opened()).blocks).toBe(2);
    expect(lines).toEqual([
      `tslaunch: CD-ROM image ${image} is 5000 bytes, not a multiple of 2048: the guest sees the first 4096.\n`,
    ]);
  });

  it('is refused, with a sentence, where it cannot be one', async () => {
    mkdirSync(join(folder, 'dir'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'tiny'), 'x');
    const before = openDescriptors();
    const sentences = new Map([
      [
        'none',
        'CD-ROM image /none does not exist. Check the path, or make an image with `genisoimage -R -o FILE DIRECTORY`.',
      ],
      ['a.iso/x', 'CD-ROM image /a.iso/x does not exist. Check the path: a part of it is not a directory.'],
      ['dir', 'CD-ROM image /dir is a directory. Name a regular file or a block device.'],
      ['empty', 'CD-ROM image /empty is empty. Name an ISO image, for example one that genisoimage made.'],
      [
        'tiny',
        'CD-ROM image /tiny is shorter than a block of 2048 bytes. Name an ISO image, for example one that genisoimage made.',
      ],
    ]);
    for (const [name, sentence] of sentences) expect(await refusal(opened(join(folder, name)))).toBe(sentence);
    expect(openDescriptors()).toBe(before);
  });

  it('may be in several drives and on disks that are only read, not on one that is written', async () => {
    await opened();
    await opened();
    open.push(await HostFile.open(image, { readOnly: true }));
    expect(await refusal(HostFile.open(image, { readOnly: false }))).toMatch(
      /^Block image \/a.iso is in use by another disk/,
    );
    for (const file of open.splice(0)) await file.close();
    open.push(await HostFile.open(image, { readOnly: false }));
    expect(await refusal(opened())).toMatch(/^CD-ROM image \/a.iso is in use by another disk of this guest\./);
  });

  it('makes a drive, which has its own name for a serial number unless told', async () => {
    const drives = [
      await openDrive('cdrom0', { file: image }),
      await openDrive('cdrom1', { file: image, serial: 'S' }),
    ];
    open.push(...drives.map(drive => drive.backend));
    expect(drives.map(drive => drive.config)).toEqual([
      { kind: 'cdrom', name: 'cdrom0', serial: 'cdrom0' },
      { kind: 'cdrom', name: 'cdrom1', serial: 'S' },
    ]);
    expect(drives[0]!.backend.blocks).toBe(10);
  });
});
