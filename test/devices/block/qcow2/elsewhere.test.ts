import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GiB, KiB, MiB } from '../../../../src/base/bits.ts';
import { log } from '../../../../src/base/log.ts';
import { openImage } from '../../../../src/devices/block/image.ts';
import type { Qcow2 } from '../../../../src/devices/block/qcow2/qcow2.ts';
import { checkImageFile } from '../../../../src/devices/block/qcow2/tools/check.ts';
import { Random } from '../../random.ts';
import { qemuCheck, qemuCompare, qemuImg, qemuIo, SOUND } from './support/qemu.ts';
import { work } from './support/workload.ts';

const SEED = 20_261;
let folder: string;
let image: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-qcow2-'));
  image = join(folder, 'disk.qcow2');
  log.setSink(() => {});
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async (path = image, backing = false) =>
  (await openImage(path, { readOnly: false, backing })) as unknown as Qcow2;

/** A raw file with data, runs of zeroes, and what compresses well. */
function content(size: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 16 * KiB) {
    const part = bytes.subarray(at, at + 16 * KiB);
    const kind = random.below(3);
    if (kind === 1) part.fill(random.below(256));
    if (kind === 2) part.set(random.bytes(part.length));
  }
  return bytes;
}

function create(options: string, size: number): void {
  qemuImg('create', '-q', '-f', 'qcow2', ...(options === '' ? [] : ['-o', options]), image, String(size));
}

/** Works on the image, then lets qemu-img judge. */
async function agree(model: Uint8Array, { rounds = 60, most = 256 * KiB, backing = false } = {}): Promise<void> {
  const random = new Random(SEED);
  const disk = await open(image, backing);
  expect(disk.size).toBe(model.length);
  await work(disk, model, random, { rounds, most, zeroes: true });
  await disk.close();
  const raw = join(folder, 'model.raw');
  writeFileSync(raw, model);
  qemuCompare(image, raw);
  expect(qemuCheck(image)).toEqual(SOUND);
  // What was written is there for the next start too.
  const again = await open(image, backing);
  const bytes = new Uint8Array(model.length);
  await again.read(0, [bytes]);
  await again.close();
  expect(Buffer.compare(bytes, model)).toBe(0);
}

describe(`images that qemu-img made, written at random (seed ${SEED})`, () => {
  it.each([
    ['', 8],
    ['compat=0.10', 8],
    ['cluster_size=512', 2],
    ['cluster_size=512,compat=0.10', 2],
    ['cluster_size=512,refcount_bits=64', 2],
    ['cluster_size=1024,refcount_bits=1', 4],
    ['cluster_size=4096,refcount_bits=2', 8],
    ['cluster_size=8192,refcount_bits=4', 8],
    ['refcount_bits=8', 8],
    ['refcount_bits=32,lazy_refcounts=on', 8],
    ['cluster_size=2M,refcount_bits=64', 16],
    ['cluster_size=1M', 8],
    ['preallocation=metadata', 8],
    ['preallocation=falloc,cluster_size=16k', 8],
    ['preallocation=full', 4],
    ['compression_type=zstd', 8],
  ])('with options "%s"', async (options, mebibytes) => {
    create(options, mebibytes * MiB);
    await agree(new Uint8Array(mebibytes * MiB));
  });

  it.each([
    'compat=0.10',
    'compression_type=zlib',
    'compression_type=zstd',
    'compression_type=zlib,cluster_size=4k',
    'compression_type=zstd,cluster_size=2M',
    'compression_type=zstd,cluster_size=512',
  ])('compressed with "%s"', async options => {
    const model = content(4 * MiB, new Random(SEED));
    const raw = join(folder, 'source.raw');
    writeFileSync(raw, model);
    qemuImg('convert', '-c', '-f', 'raw', '-O', 'qcow2', '-o', options, raw, image);
    await agree(model, { rounds: 40 });
  });

  it.each(['', 'cluster_size=4k', 'compat=0.10'])(
    'with snapshots, which stay as they are (options "%s")',
    async options => {
      const random = new Random(SEED);
      create(options, 4 * MiB);
      const states: [string, Uint8Array][] = [];
      const model = new Uint8Array(4 * MiB);
      for (const name of ['one', 'two']) {
        const disk = await open();
        await work(disk, model, random, { rounds: 20, most: 64 * KiB, zeroes: true });
        await disk.close();
        qemuImg('snapshot', '-c', name, image);
        states.push([name, model.slice()]);
      }
      await agree(model, { rounds: 30 });
      for (const [name, state] of states) {
        const raw = join(folder, `${name}.raw`);
        const out = join(folder, 'out.raw');
        writeFileSync(raw, state);
        qemuImg('convert', '-f', 'qcow2', '-l', `snapshot.name=${name}`, '-O', 'raw', image, out);
        qemuImg('compare', '-f', 'raw', '-F', 'raw', raw, out);
      }
      qemuImg('snapshot', '-d', 'one', image);
      qemuImg('snapshot', '-d', 'two', image);
      expect(qemuCheck(image)).toEqual(SOUND);
    },
  );

  it('on a chain of three, each smaller than the one above it', async () => {
    const random = new Random(SEED);
    const base = content(3 * MiB, random);
    writeFileSync(join(folder, 'base.raw'), base);
    qemuImg(
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      'base.raw',
      '-F',
      'raw',
      join(folder, 'middle.qcow2'),
      String(4 * MiB),
    );
    qemuIo(join(folder, 'middle.qcow2'), 'write -P 7 1M 100k', 'write -z 512k 192k');
    qemuImg('create', '-q', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', image, String(6 * MiB));
    const model = new Uint8Array(6 * MiB);
    model.set(base);
    model.fill(7, MiB, MiB + 100 * KiB);
    model.fill(0, 512 * KiB, 704 * KiB);
    await agree(model, { backing: true });
    expect(qemuCheck(join(folder, 'middle.qcow2'))).toEqual(SOUND);
  });

  it('of 16 TiB, sparse', async () => {
    create('', 16 * 1024 * GiB);
    const random = new Random(SEED);
    const disk = await open();
    expect(disk.size).toBe(2 ** 44);
    const places = [0, 5 * 1024 * GiB, 2 ** 44 - MiB].map(from => ({ from, model: new Uint8Array(MiB) }));
    for (const { from, model } of places)
      await work(disk, model, random, { rounds: 15, most: 64 * KiB, zeroes: true, from });
    await disk.close();
    expect(qemuCheck(image)).toEqual(SOUND);
    const again = await open();
    for (const { from, model } of places) {
      const bytes = new Uint8Array(MiB);
      await again.read(from, [bytes]);
      expect(Buffer.compare(bytes, model)).toBe(0);
    }
    await again.close();
  });

  it('that QEMU goes on with, and tslaunch after it', async () => {
    create('cluster_size=4k', 2 * MiB);
    const model = new Uint8Array(2 * MiB);
    const random = new Random(SEED);
    for (let turn = 0; turn < 3; turn++) {
      const disk = await open();
      await work(disk, model, random, { rounds: 15, most: 32 * KiB, zeroes: true });
      await disk.close();
      qemuIo(image, `write -P ${turn + 1} ${turn * 100}k 77k`, `write -z -u ${turn * 64 + 1000}k 50k`);
      model.fill(turn + 1, turn * 100 * KiB, (turn * 100 + 77) * KiB);
      model.fill(0, (turn * 64 + 1000) * KiB, (turn * 64 + 1050) * KiB);
    }
    await agree(model);
  });

  it('whose bitmaps another program keeps: they are void after a write, not before', async () => {
    create('', 4 * MiB);
    qemuImg('bitmap', '--add', image, 'changes');
    const reader = await open();
    await reader.read(0, [new Uint8Array(512)]);
    await reader.close();
    expect(JSON.parse(qemuImg('info', '--output=json', image))['format-specific'].data.bitmaps).toHaveLength(1);
    const writer = await open();
    await writer.write(0, [new Uint8Array(512)], false);
    await writer.close();
    expect(JSON.parse(qemuImg('info', '--output=json', image))['format-specific'].data.bitmaps).toBeUndefined();
    // What the bitmaps took is lost until somebody repairs that.
    expect(qemuCheck(image)).toMatchObject({ corruptions: 0, errors: 0 });
    expect(await checkImageFile(image, 'leaks')).toMatchObject({ corruptions: 0, unrepaired: 0 });
    expect(qemuCheck(image)).toEqual(SOUND);
  });
});
