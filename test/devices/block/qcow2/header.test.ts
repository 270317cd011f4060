import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../../src/base/bits.ts';
import { describeError, UsageError } from '../../../../src/base/errors.ts';
import { FIELD, viewOf } from '../../../../src/devices/block/qcow2/format.ts';
import { isQcow, parseHeader } from '../../../../src/devices/block/qcow2/header.ts';
import { freshImage } from '../../../../src/devices/block/qcow2/tools/create.ts';
import { qemuImg } from './support/qemu.ts';

const parse = (image: Uint8Array) => parseHeader(image.subarray(0, 64 * KiB), image.length, 'x');
const u32 = (field: keyof typeof FIELD, value: number) => (view: DataView) => view.setUint32(FIELD[field], value);
const u64 = (field: keyof typeof FIELD, value: bigint) => (view: DataView) => view.setBigUint64(FIELD[field], value);
const bit = (number: number) => u64('incompatible', 1n << BigInt(number));

describe('a header', () => {
  it('says what the image is', () => {
    const image = freshImage(10 * MiB, 64 * KiB, { file: 'base.raw', format: 'raw' });
    expect(parse(image)).toMatchObject({
      version: 3,
      clusterSize: 65_536,
      size: 10 * MiB,
      backing: { name: 'base.raw', format: 'raw' },
      l1: { offset: 65_536, bytes: 8 },
      refcountTable: { offset: 131_072, bytes: 65_536 },
      refcountOrder: 4,
      snapshots: { count: 0 },
      dirty: false,
      lazyRefcounts: false,
      compression: 'zlib',
    });
  });

  it('by qemu-img says what qemu-img was told', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tslaunch-header-'));
    const image = join(folder, 'a.qcow2');
    const options = 'cluster_size=128k,refcount_bits=8,lazy_refcounts=on,compression_type=zstd';
    qemuImg('create', '-q', '-f', 'qcow2', '-o', options, image, '5G');
    expect(parse(readFileSync(image))).toMatchObject({
      clusterSize: 131_072,
      size: 5 * 1024 * MiB,
      refcountOrder: 3,
      lazyRefcounts: true,
      compression: 'zstd',
    });
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['is of qcow version 1.', u32('version', 1)],
    ['is damaged: its clusters are said to be 2^30 bytes.', u32('clusterBits', 30)],
    ['is damaged: its clusters are said to be 2^8 bytes.', u32('clusterBits', 8)],
    ['is damaged: its header is said to have 71 bytes.', u32('headerLength', 71)],
    ['is damaged: its header is said to have 4294967295 bytes.', u32('headerLength', 0xffff_ffff)],
    ['is damaged: its refcounts are wider than 64 bits.', u32('refcountOrder', 7)],
    ['is encrypted (AES), which is not supported.', u32('encryption', 1)],
    ['is encrypted (LUKS), which is not supported.', u32('encryption', 2)],
    ['is marked as corrupt.', bit(1)],
    ['keeps its data in another file (external data file), which is not supported.', bit(2)],
    ['is damaged: its compression type contradicts its feature bits.', bit(3)],
    ['has extended L2 entries (subclusters), which are not supported.', bit(4)],
    ['needs a feature that is not supported: unnamed bit 63.', bit(63)],
    ['is damaged: its size is beyond 8 PiB.', u64('size', 1n << 60n)],
    ['has a size of 0.', u64('size', 511n)],
    ['is damaged: its L1 table is larger than 32 MiB.', u32('l1Size', 0xffff_ffff)],
    ['is damaged: its L1 table is too short for its size.', u64('size', 1n << 40n)],
    ['is damaged: its L1 table is not aligned to a cluster.', u64('l1Offset', 513n)],
    ['is damaged: its L1 table lies over its header.', u64('l1Offset', 0n)],
    ['is damaged: its L1 table reaches past the end of the file.', u64('l1Offset', 1n << 62n)],
    ['is damaged: it has no refcount table.', u32('refcountClusters', 0)],
    ['is damaged: its refcount table is larger than 8 MiB.', u32('refcountClusters', 129)],
    ['is damaged: its refcount table reaches past the end of the file.', u32('refcountClusters', 100)],
    ['is damaged: it claims 65537 snapshots.', u32('snapshotCount', 65_537)],
    ['is damaged: its snapshot table lies over its header.', u32('snapshotCount', 1)],
    ['is damaged: the name of its backing file lies outside its header.', u32('backingLength', 2000)],
    ['is damaged: a header extension is longer than the header.', view => view.setUint32(116, 0x7fff_ffff)],
  ] as [string, (view: DataView) => void][])('is refused: %s', (sentence, change) => {
    const image = freshImage(10 * MiB, 64 * KiB, { file: 'base.raw', format: 'raw' });
    change(viewOf(image));
    const attempt = () => parse(image);
    expect(attempt).toThrow(UsageError);
    expect(attempt).toThrow(`Block image x ${sentence}`);
  });

  it('that is cut off is refused', () => {
    const image = freshImage(MiB, 64 * KiB);
    for (const length of [4, 71, 72, 103]) {
      expect(() => parse(image.subarray(0, length))).toThrow('is damaged: its header is cut off.');
    }
    expect(isQcow(image.subarray(0, 3))).toBe(false);
  });

  it('names the features that stand in the way, without control characters', () => {
    const image = freshImage(MiB, 64 * KiB);
    const view = viewOf(image);
    view.setUint32(112, 0x6803_f857);
    view.setUint32(116, 96);
    image.set([0, 40, ...new TextEncoder().encode('time travel')], 120);
    image.set([0, 41, ...new TextEncoder().encode('bell\x07\x1b[2J')], 168);
    view.setBigUint64(FIELD.incompatible, (1n << 40n) | (1n << 41n));
    let text = '';
    try {
      parse(image);
    } catch (error) {
      text = describeError(error);
    }
    expect(text).toBe(
      'Block image x needs features that are not supported: time travel, bell??[2J. Convert it with `qemu-img convert -O qcow2`.',
    );
  });

  it('is refused by what qemu-img makes of features that are not supported', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tslaunch-header-'));
    const make = (name: string, options: string) => {
      qemuImg('create', '-q', '-f', 'qcow2', '-o', options, join(folder, name), '4M');
      return readFileSync(join(folder, name));
    };
    expect(() => parse(make('a', 'extended_l2=on'))).toThrow('has extended L2 entries');
    expect(() => parse(make('b', `data_file=${join(folder, 'data')}`))).toThrow('external data file');
    rmSync(folder, { recursive: true });
  });
});
