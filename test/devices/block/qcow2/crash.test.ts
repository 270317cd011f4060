import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { KiB } from '../../../../src/base/bits.ts';
import { log } from '../../../../src/base/log.ts';
import { checkImage } from '../../../../src/devices/block/qcow2/check.ts';
import { FIELD } from '../../../../src/devices/block/qcow2/format.ts';
import { ImageBytes } from '../../../../src/devices/block/qcow2/image-bytes.ts';
import { openQcow2, readHeader } from '../../../../src/devices/block/qcow2/open.ts';
import type { Qcow2 } from '../../../../src/devices/block/qcow2/qcow2.ts';
import { Random } from '../../random.ts';
import { History, stamp } from './support/history.ts';
import { MemoryFile } from './support/memory-file.ts';
import { PowerCutFile } from './support/power-cut.ts';
import { qemuImg } from './support/qemu.ts';
import { type Range, rangeIn } from './support/workload.ts';

const SEED = 515;
const SIZE = 512 * KiB;
const REQUESTS = 40;
const run = promisify(execFile);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-crash-'));
});
beforeEach(() => log.setSink(() => {}));
afterAll(() => rmSync(folder, { recursive: true }));

interface Start {
  readonly image: Uint8Array;
  /** What the guest sees in it. */
  readonly content: Uint8Array;
}

/** An image whose first half holds stamped sectors. */
function start(options: string, { compressed = false, snapshot = false } = {}): Start {
  const image = join(folder, 'start.qcow2');
  const raw = join(folder, 'start.raw');
  const content = new Uint8Array(SIZE);
  if (compressed || snapshot) for (let at = 0; at < SIZE / 2; at += 512) content.set(stamp(512, at + 1), at);
  writeFileSync(raw, content);
  const flags = compressed ? ['-c'] : [];
  qemuImg('convert', ...flags, '-f', 'raw', '-O', 'qcow2', '-o', options, raw, image);
  if (snapshot) qemuImg('snapshot', '-c', 'before', image);
  return { image: readFileSync(image), content };
}

/** A guest that writes, zeroes, discards and flushes, until it is done or the power goes. */
async function guest(disk: Qcow2, history: History, random: Random): Promise<void> {
  const running = new Map<Promise<void>, { from: number; to: number }>();
  for (let i = 1; i <= REQUESTS; i++) {
    const range = rangeIn(SIZE, random, 48 * KiB);
    while ([...running.values()].some(({ from, to }) => range.from < to && from < range.to) || running.size >= 4) {
      await running.keys().next().value;
    }
    const request = one(disk, history, random, range, i).finally(() => running.delete(request));
    running.set(request, range);
    request.catch(() => {});
  }
  await Promise.all(running.keys());
  await disk.close();
}

async function one(disk: Qcow2, history: History, random: Random, range: Range, i: number): Promise<void> {
  const { from, to } = range;
  const kind = random.below(12);
  if (kind < 7) {
    const value = 0x1000_0000 + i;
    const done = history.begin(from, to, value);
    await disk.write(from, random.cut(stamp(to - from, value), 8 * KiB), kind === 0);
    done(kind === 0);
  } else if (kind === 7) {
    const done = history.begin(from, to, 0);
    await disk.writeZeroes(from, to - from, random.below(2) === 0);
    done(false);
  } else if (kind === 8) {
    // Afterwards these are zeroes, or as they were: so it is never known to be complete.
    history.begin(from, to, 0);
    await disk.discard(from, to - from);
  } else {
    const done = history.flush();
    await disk.flush();
    done();
  }
}

interface Outcome {
  /** Writes and flushes that the file saw. */
  readonly operations: number;
  /** Whether the guest finished. */
  readonly finished: boolean;
  readonly file: PowerCutFile;
  readonly history: History;
}

async function crash({ image, content }: Start, limit: number, change?: Change): Promise<Outcome> {
  const file = new PowerCutFile(image, limit);
  const history = new History(content);
  const finished = await openQcow2(file)
    .then(disk => guest(change?.(disk) ?? disk, history, new Random(SEED)))
    .then(
      () => true,
      error => {
        if (file.off) return false;
        throw error;
      },
    );
  return { operations: file.operations, finished, file, history };
}
type Change = (disk: Qcow2) => Qcow2;

/** What is wrong with what the crash left: nothing, or words. Then opens it as the next start would, which repairs it. */
async function verdict(left: Uint8Array, history: History): Promise<string | undefined> {
  const before = await check(new MemoryFile(left));
  if (before.corruptions > 0) return `corrupt: ${before.problems.join('; ')}`;
  return afterRepair(left, history, before.leaks > 0 && !isV3(left));
}

/** The same for an image that may have any refcounts, for it is marked dirty. */
async function afterRepair(left: Uint8Array, history: History, mayLeak = false): Promise<string | undefined> {
  const file = new MemoryFile(left);
  const disk = await openQcow2(file);
  const bytes = new Uint8Array(SIZE);
  await disk.read(0, [bytes]);
  await disk.write(0, [bytes.subarray(0, 512)], false);
  await disk.close();
  const after = await check(new MemoryFile(file.content));
  if (after.corruptions > 0 || (after.leaks > 0 && !mayLeak)) return 'not repaired';
  return history.violation(bytes);
}

async function check(file: MemoryFile) {
  const bytes = new ImageBytes(file);
  return checkImage(bytes, await readHeader(bytes), 'none');
}

const isV3 = (image: Uint8Array) => image[7] === 3;

/** qemu-img's word on many images at once: the names of those that are corrupt. */
async function qemuVerdicts(images: readonly { name: string; bytes: Uint8Array }[]): Promise<string[]> {
  const queue = [...images.entries()];
  const wrong: string[] = [];
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const path = join(folder, `left-${next[0]}.qcow2`);
      writeFileSync(path, next[1].bytes);
      await run('qemu-img', ['check', '-f', 'qcow2', path]).catch(error => {
        // 3 means leaks only.
        if (error.code !== 3) wrong.push(`${next[1].name}: ${error.stdout}${error.stderr}`);
      });
      rmSync(path);
    }
  };
  await Promise.all([work(), work()]);
  return wrong;
}

/** Crashes at every operation, killed and with the power gone. Returns what went wrong, at most one for each crash. */
async function everywhere(begin: Start, change?: Change, stopAtFirst = false): Promise<string[]> {
  const wrong: string[] = [];
  const left: { name: string; bytes: Uint8Array }[] = [];
  const random = new Random(SEED);
  for (let limit = 1; ; limit++) {
    const { finished, file, history } = await crash(begin, limit, change);
    for (const [way, bytes] of [
      ['killed', file.afterKill()],
      ['power cut', file.afterPowerCut(random)],
    ] as const) {
      const name = `${way} at operation ${limit} (seed ${SEED})`;
      const found = await verdict(bytes, history);
      if (found !== undefined) wrong.push(`${name}: ${found}`);
      // Every third goes to qemu-img too.
      else if (limit % 3 === 0) left.push({ name, bytes });
    }
    if (finished || (stopAtFirst && wrong.length > 0)) break;
  }
  return [...wrong, ...(await qemuVerdicts(left))];
}

describe('a crash at any write or flush leaves a sound image with all that was flushed', () => {
  it.each([
    ['cluster_size=64k', {}],
    ['cluster_size=4k', {}],
    ['cluster_size=512,refcount_bits=64', {}],
    ['cluster_size=4k,compat=0.10', { snapshot: true }],
    ['cluster_size=4k', { snapshot: true }],
    ['cluster_size=4k', { compressed: true, snapshot: true }],
    ['cluster_size=4k,lazy_refcounts=on', { compressed: true }],
  ])('with options "%s", %o', async (options, how) => {
    expect(await everywhere(start(options, how))).toEqual([]);
  });
});

describe('a crash while an earlier one is being repaired', () => {
  it.each(['lost blocks', 'wrong counts'])('leaves it to the next start (%s)', async what => {
    const begin = start('cluster_size=4k,lazy_refcounts=on', { snapshot: true });
    const view = new DataView(begin.image.buffer, begin.image.byteOffset);
    const table = Number(view.getBigUint64(FIELD.refcountOffset));
    const block = Number(view.getBigUint64(table));
    view.setUint8(FIELD.incompatible + 7, 1);
    if (what === 'lost blocks') view.setBigUint64(table, 0n);
    else for (let i = 5; i < 60; i++) view.setUint16(block + 2 * i, i % 3);
    const random = new Random(SEED);
    // Opening, repairing and closing take no more operations than these.
    for (let limit = 1; limit < 40; limit++) {
      const { file, history } = await crash(begin, limit);
      for (const left of [file.afterKill(), file.afterPowerCut(random)]) {
        expect(await afterRepair(left, history), `at operation ${limit} (seed ${SEED})`).toBeUndefined();
      }
    }
  });
});

describe('this test', () => {
  it('notices a flush that is acknowledged early', async () => {
    const early: Change = disk => {
      return new Proxy(disk, {
        get(target, name) {
          if (name === 'flush') {
            return async () => {
              target.flush().catch(() => {});
            };
          }
          const value = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    };
    expect(await everywhere(start('cluster_size=4k'), early, true)).not.toEqual([]);
  });
});
