import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../../../src/base/bits.ts';
import { log } from '../../../../src/base/log.ts';
import { openImage } from '../../../../src/devices/block/image.ts';
import { FIELD, viewOf } from '../../../../src/devices/block/qcow2/format.ts';
import { checkImageFile, checkStatus, describeCheck } from '../../../../src/devices/block/qcow2/tools/check.ts';
import { createImage } from '../../../../src/devices/block/qcow2/tools/create.ts';
import { describeInfo, imageInfo } from '../../../../src/devices/block/qcow2/tools/info.ts';
import { qemuCheck, qemuImg, qemuIo, SOUND } from './support/qemu.ts';

let folder: string;
let image: string;
let lines: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-tools-'));
  image = join(folder, 'a.qcow2');
  lines = [];
  log.setSink(line => lines.push(line.replaceAll(folder, '')));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Changes the image's bytes. */
function edit(change: (view: DataView) => void): void {
  const bytes = readFileSync(image);
  change(viewOf(bytes));
  writeFileSync(image, bytes);
}
const where = (view: DataView, field: 'l1Offset' | 'refcountOffset') => Number(view.getBigUint64(FIELD[field]));
/** The first refcount block's place. */
const blockOf = (view: DataView) => Number(view.getBigUint64(where(view, 'refcountOffset')));
const l2Of = (view: DataView) => Number(view.getBigUint64(where(view, 'l1Offset')) & 0x00ff_ffff_ffff_fe00n);

describe('a new image', () => {
  it.each([
    [512, 512],
    [100 * MiB, 512],
    [10 * GiB, 4096],
    [10 * GiB, 65_536],
    [2 ** 44, 65_536],
    [2 ** 44, 2 * MiB],
  ])('of %d bytes with clusters of %d is sound, and takes bytes', async (size, clusterSize) => {
    await createImage(image, { size, clusterSize });
    expect(qemuCheck(image)).toEqual(SOUND);
    expect(JSON.parse(qemuImg('info', '--output=json', image))).toMatchObject({
      'virtual-size': size,
      'cluster-size': clusterSize,
    });
    const disk = await openImage(image, { readOnly: false });
    await disk.write(size - 512, [new Uint8Array(512).fill(9)], true);
    await disk.close();
    qemuIo(image, `read -P 9 ${size - 512} 512`);
    expect(qemuCheck(image)).toEqual(SOUND);
  });

  it('on top of another has its size, and shows its bytes', async () => {
    writeFileSync(join(folder, 'base.raw'), new Uint8Array(3 * MiB).fill(4));
    await createImage(image, { backing: { file: 'base.raw', format: 'raw' } });
    qemuIo(image, 'read -P 4 0 3M');
    expect((await imageInfo(image)).size).toBe(3 * MiB);
  });

  it('is not made for what makes no sense, and never over another file', async () => {
    writeFileSync(image, 'precious');
    const refused = (options: Parameters<typeof createImage>[1], path = image) => {
      return createImage(path, options).then(
        () => 'made',
        (error: Error) => error.message.replaceAll(folder, ''),
      );
    };
    expect(await refused({ size: MiB })).toBe('/a.qcow2 is there already.');
    expect(await refused({ size: 511 })).toBe('A disk of 511 bytes is not possible.');
    expect(await refused({ size: 0 })).toBe('A disk of 0 bytes is not possible.');
    expect(await refused({})).toBe('A new image needs a size.');
    expect(await refused({ size: MiB, clusterSize: 1000 })).toBe('A cluster size of 1000 is not possible.');
    expect(await refused({ size: 2 ** 44, clusterSize: 512 })).toContain('too large for clusters of 512');
    expect(await refused({ size: MiB, backing: { file: 'none', format: 'raw' } })).toContain('/none does not exist');
    expect(await refused({ size: MiB }, join(folder, 'no/where'))).toBe('/no/where cannot be made (ENOENT).');
    expect(readFileSync(image, 'utf8')).toBe('precious');
  });
});

describe('what is told of an image', () => {
  it('is what qemu-img says of it', async () => {
    writeFileSync(join(folder, 'base.raw'), new Uint8Array(MiB));
    qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-o',
      'cluster_size=4k,refcount_bits=8',
      '-b',
      'base.raw',
      '-F',
      'raw',
      image,
    );
    qemuImg('snapshot', '-c', 'first\x1b[2J', image);
    const info = await imageInfo(image);
    expect(info).toMatchObject({
      format: 'qcow2',
      size: MiB,
      qcow2: {
        version: 3,
        clusterSize: 4096,
        refcountBits: 8,
        compression: 'zlib',
        dirty: false,
        backing: { file: 'base.raw', format: 'raw' },
        snapshots: [{ id: '1', name: 'first\x1b[2J', stateBytes: 0 }],
      },
    });
    expect(Date.now() - Date.parse(info.qcow2!.snapshots[0]!.date)).toBeLessThan(60_000);
    const text = describeInfo(info);
    expect(text).toMatch(/^disk size: {6}1 MiB \(1048576 bytes\)$/m);
    expect(text).toMatch(/^based on: {7}base\.raw \(raw\)$/m);
    expect(text).toMatch(/^snapshot: {7}1 first\?\[2J, 2/m);
    expect(describeInfo(await imageInfo(join(folder, 'base.raw')))).toContain('raw');
  });
});

describe('a check', () => {
  const filled = () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', image, '1M');
    qemuIo(image, 'write -P 1 0 200k');
  };

  it('finds nothing wrong with a sound image', async () => {
    filled();
    const result = await checkImageFile(image);
    expect(result).toMatchObject({ leaks: 0, corruptions: 0, unrepaired: 0, data: 50, compressed: 0 });
    expect(checkStatus(result)).toBe(0);
    expect(describeCheck(result)).toContain('no errors; ');
  });

  it('finds lost clusters, as qemu-img does, and gives them back', async () => {
    filled();
    // qemu-img looks no farther than to the end of the file.
    truncateSync(image, 100 * 4096);
    edit(view => {
      for (let i = 0; i < 7; i++) view.setUint16(blockOf(view) + 2 * (80 + i), 1);
    });
    expect(qemuCheck(image)).toMatchObject({ leaks: 7, corruptions: 0 });
    const found = await checkImageFile(image);
    expect(found).toMatchObject({ leaks: 7, corruptions: 0, unrepaired: 7 });
    expect(checkStatus(found)).toBe(1);
    const repaired = await checkImageFile(image, 'leaks');
    expect(repaired).toMatchObject({ leaks: 7, unrepaired: 0 });
    expect(checkStatus(repaired)).toBe(0);
    expect(describeCheck(repaired)).toContain('0 contradictions, 7 clusters lost, all repaired');
    expect(qemuCheck(image)).toEqual(SOUND);
  });

  it('finds refcounts that are too low, and mends them only if told to mend all', async () => {
    filled();
    edit(view => {
      for (let i = 0; i < 5; i++) view.setUint16(blockOf(view) + 2 * (10 + i), 0);
    });
    const corruptions = (await checkImageFile(image)).corruptions;
    expect(corruptions).toBe(5);
    expect(checkStatus(await checkImageFile(image, 'leaks'))).toBe(1);
    expect(await checkImageFile(image, 'all')).toMatchObject({ corruptions: 5, unrepaired: 0 });
    expect(qemuCheck(image)).toEqual(SOUND);
    qemuIo(image, 'read -P 1 0 200k');
  });

  it('makes new refcounts where they are missing altogether', async () => {
    filled();
    edit(view => view.setBigUint64(where(view, 'refcountOffset'), 0n));
    expect((await checkImageFile(image)).problems).toContain(
      'the refcount table lacks blocks, or names impossible ones',
    );
    expect(await checkImageFile(image, 'all')).toMatchObject({ unrepaired: 0 });
    expect(await checkImageFile(image)).toMatchObject({ corruptions: 0, unrepaired: 0 });
    expect(qemuCheck(image)).toEqual(SOUND);
    qemuIo(image, 'read -P 1 0 200k');
  });

  it('sets the marks for "mine alone" right', async () => {
    filled();
    edit(view => view.setUint8(l2Of(view), view.getUint8(l2Of(view)) & 0x7f));
    expect(qemuCheck(image).corruptions).toBe(1);
    expect((await checkImageFile(image)).corruptions).toBe(1);
    expect(await checkImageFile(image, 'all')).toMatchObject({ unrepaired: 0 });
    expect(qemuCheck(image)).toEqual(SOUND);
  });

  it('tells of what it cannot mend', async () => {
    filled();
    edit(view => view.setBigUint64(l2Of(view) + 16, 0x8000_0100_0000_0000n));
    const result = await checkImageFile(image, 'all');
    expect(result.problems).toContain('a data cluster lies outside the file');
    expect(checkStatus(result)).toBe(1);
  });

  it('of a raw image has nothing to look at', async () => {
    writeFileSync(image, new Uint8Array(MiB));
    await expect(checkImageFile(image)).rejects.toThrow('is raw: any bytes make a sound one.');
  });
});

describe('an image that was not closed well', () => {
  it('is counted anew when it is opened for writing, lost blocks included', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k,lazy_refcounts=on', image, '1M');
    qemuIo(image, 'write -P 1 0 200k');
    edit(view => {
      view.setUint8(FIELD.incompatible + 7, 1);
      view.setBigUint64(where(view, 'refcountOffset'), 0n);
    });
    const disk = await openImage(image, { readOnly: false });
    expect(lines).toEqual(['tslaunch: block image /a.qcow2 was not closed well: its clusters were counted anew.\n']);
    await disk.write(300 * 1024, [new Uint8Array(4096).fill(2)], false);
    await disk.close();
    expect(qemuCheck(image)).toEqual(SOUND);
    qemuIo(image, 'read -P 1 0 200k', 'read -P 2 300k 4k');
  });

  it('is refused for writing if its tables contradict each other', async () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', image, '1M');
    qemuIo(image, 'write -P 1 0 200k');
    edit(view => {
      view.setUint8(FIELD.incompatible + 7, 1);
      view.setBigUint64(l2Of(view) + 16, 0x8000_0100_0000_0000n);
    });
    await expect(openImage(image, { readOnly: false })).rejects.toThrow(
      'a.qcow2 is damaged: a data cluster lies outside the file.',
    );
  });
});
