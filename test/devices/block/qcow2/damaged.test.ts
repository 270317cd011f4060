import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../../src/base/bits.ts';
import { UsageError } from '../../../../src/base/errors.ts';
import { log } from '../../../../src/base/log.ts';
import { checkImage } from '../../../../src/devices/block/qcow2/check.ts';
import { FIELD, viewOf } from '../../../../src/devices/block/qcow2/format.ts';
import { ImageBytes } from '../../../../src/devices/block/qcow2/image-bytes.ts';
import { openQcow2, readHeader } from '../../../../src/devices/block/qcow2/open.ts';
import type { Qcow2 } from '../../../../src/devices/block/qcow2/qcow2.ts';
import { ImageError } from '../../../../src/devices/block/qcow2/refusal.ts';
import { Random } from '../../random.ts';
import { MemoryFile } from './support/memory-file.ts';
import { qemuImg, qemuIo } from './support/qemu.ts';

const SEED = 3113;
const IMAGES = 1000;
/** What a run may append. */
const GROWTH = 16 * MiB;

beforeEach(() => log.setSink(() => {}));

function bases(): Uint8Array[] {
  const folder = mkdtempSync(join(tmpdir(), 'tslaunch-damaged-'));
  const image = join(folder, 'a.qcow2');
  const raw = join(folder, 'a.raw');
  const content = new Uint8Array(256 * KiB);
  for (let at = 0; at < content.length; at += 8 * KiB) content.fill(at / KiB, at, at + 4 * KiB);
  content.set(new Random(SEED).bytes(16 * KiB), 64 * KiB);
  writeFileSync(raw, content);
  const make = (...flags: string[]) => qemuImg('convert', '-f', 'raw', '-O', 'qcow2', ...flags, raw, image);
  try {
    return [
      () => make('-o', 'cluster_size=4k'),
      () => make('-o', 'cluster_size=512,refcount_bits=1'),
      () => make('-o', 'cluster_size=4k,compat=0.10'),
      () => make('-c', '-o', 'cluster_size=4k'),
      () => make('-c', '-o', 'cluster_size=8k,compression_type=zstd'),
      () => {
        make('-o', 'cluster_size=4k');
        qemuImg('snapshot', '-c', 'one', image);
        qemuIo(image, 'write -P 9 10k 30k', 'write -z 100k 20k');
      },
    ].map(build => {
      rmSync(image, { force: true });
      build();
      return new Uint8Array(readFileSync(image));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const INTERESTING = [0, 1, 2, 3, 7, 8, 9, 0x1f, 0x200, 0x1000, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Changes a header field, a byte of the metadata at the front, or any byte; says what it did. */
function damage(image: Uint8Array, random: Random): string {
  const view = viewOf(image);
  const kind = random.below(4);
  let what = 'byte';
  if (kind === 0) {
    const [name, offset] = random.pick(Object.entries(FIELD).filter(([field]) => field !== 'magic'));
    const value = random.pick([...INTERESTING, random.below(2 ** 32)]);
    view.setUint32(offset + 4 * random.below(2), value);
    what = `${name} ${value}`;
  } else if (kind === 1) {
    const at = random.below(Math.min(image.length, 32 * KiB) / 8) * 8;
    view.setUint32(at, random.pick([...INTERESTING, view.getUint32(at) ^ 0x8000_0000]));
    if (random.below(2) === 0) view.setUint32(at + 4, random.below(2) === 0 ? random.below(image.length) : 0x1000);
    what = `entry at ${at}`;
  } else {
    const at = random.below(kind === 2 ? Math.min(image.length, 32 * KiB) : image.length);
    image[at]! ^= 1 << random.below(8);
    what = `bit at ${at}`;
  }
  // Half of them look as if they had crashed, so that they are counted anew.
  if (image[7] === 3 && random.below(2) === 0) {
    image[FIELD.incompatible + 7]! |= 1;
    what += ', dirty';
  }
  return what;
}

async function attempt<T>(action: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ImageError || error instanceof UsageError) return undefined;
    throw error;
  }
}

async function use(disk: Qcow2, random: Random): Promise<void> {
  const step = 64 * KiB;
  for (let at = 0; at < Math.min(disk.size, 512 * KiB); at += step) {
    await attempt(() => disk.read(at, [new Uint8Array(Math.min(step, disk.size - at))]));
  }
  for (let i = 0; i < 12; i++) {
    const length = Math.min(512 * (1 + random.below(40)), disk.size);
    const most = random.below(4) === 0 ? disk.size : Math.min(disk.size, 256 * KiB);
    const at = Math.floor(random.below((most - length) / 512 + 1)) * 512;
    const kind = random.below(5);
    if (kind === 0) await attempt(() => disk.writeZeroes(at, length, true));
    else if (kind === 1) await attempt(() => disk.discard(at, length));
    else await attempt(() => disk.write(at, [new Uint8Array(length).fill(0xdd)], kind === 2));
    if (random.below(4) === 0) await attempt(() => disk.flush());
  }
  await attempt(() => disk.close());
}

describe('a damaged image', () => {
  it(`of ${IMAGES} is refused or fails with errors, and nothing is written outside it (seed ${SEED})`, async () => {
    const random = new Random(SEED);
    const originals = bases();
    const outcome = { refused: 0, opened: 0 };
    for (let i = 0; i < IMAGES; i++) {
      const image = random.pick(originals).slice();
      const what = `image ${i} of seed ${SEED}: ${damage(image, random)}`;
      const file = new MemoryFile(image);
      file.immediate = true;
      file.limit = image.length + GROWTH;
      const began = performance.now();
      try {
        const disk = await attempt(() => openQcow2(file));
        if (disk === undefined) {
          outcome.refused++;
          continue;
        }
        outcome.opened++;
        await use(disk, random);
        // The guest's bytes have not got into the header, and a check comes to an end.
        const bytes = new ImageBytes(new MemoryFile(file.content));
        const header = await attempt(() => readHeader(bytes));
        expect(header).toBeDefined();
        await attempt(() => checkImage(bytes, header!, 'none'));
        expect(performance.now() - began).toBeLessThan(5000);
      } catch (error) {
        throw new Error(what, { cause: error });
      }
    }
    // Both happen, and often: the test reaches the tables.
    expect(outcome.refused).toBeGreaterThan(IMAGES / 10);
    expect(outcome.opened).toBeGreaterThan(IMAGES / 10);
  });
});
