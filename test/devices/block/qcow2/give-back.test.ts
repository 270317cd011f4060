import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KiB, MiB } from '../../../../src/base/bits.ts';
import { openImage } from '../../../../src/devices/block/image.ts';
import { createImage } from '../../../../src/devices/block/qcow2/tools/create.ts';
import { qemuCheck, qemuIo, SOUND } from './support/qemu.ts';

let folder: string;
let image: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tslaunch-space-'));
  image = join(folder, 'a.qcow2');
});
afterEach(() => rmSync(folder, { recursive: true }));
const used = () => statSync(image).blocks * 512;

async function filled(clusterSize: number): Promise<number> {
  await createImage(image, { size: 16 * MiB, clusterSize });
  const disk = await openImage(image, { readOnly: false });
  for (let at = 0; at < 16 * MiB; at += MiB) await disk.write(at, [new Uint8Array(MiB).fill(1 + at / MiB)], false);
  await disk.close();
  return used();
}

describe('what the guest discards in a qcow2 image', () => {
  it.each([4 * KiB, 64 * KiB])('is space for the host again (clusters of %d)', async clusterSize => {
    const before = await filled(clusterSize);
    const disk = await openImage(image, { readOnly: false });
    await disk.discard(4 * MiB, 8 * MiB);
    await disk.writeZeroes(14 * MiB, MiB, true);
    await disk.flush();
    await disk.close();
    expect(before - used()).toBeGreaterThan(8.9 * MiB);
    for (const [pattern, at, length] of [
      [4, '3M', '1M'],
      [0, '4M', '8M'],
      [13, '12M', '1M'],
      [0, '14M', '1M'],
      [16, '15M', '1M'],
    ]) {
      qemuIo(image, `read -P ${pattern} ${at} ${length}`);
    }
    expect(qemuCheck(image)).toEqual(SOUND);
  });

  it('is kept for the image where the user wants that', async () => {
    const before = await filled(64 * KiB);
    const disk = await openImage(image, { readOnly: false, keepSpace: true });
    await disk.discard(4 * MiB, 8 * MiB);
    await disk.flush();
    await disk.close();
    expect(used()).toBeGreaterThanOrEqual(before);
    expect(qemuCheck(image)).toEqual(SOUND);
  });

  it('can be written again at once', async () => {
    const before = await filled(64 * KiB);
    const disk = await openImage(image, { readOnly: false });
    for (let round = 0; round < 5; round++) {
      const flushed = disk.discard(0, 8 * MiB).then(() => disk.flush());
      const writes = [8, 9, 10].map(n => disk.write(n * MiB, [new Uint8Array(MiB).fill(50 + n)], false));
      await Promise.all([flushed, ...writes]);
      await disk.write(0, [new Uint8Array(8 * MiB).fill(100 + round)], false);
      await disk.flush();
    }
    await disk.close();
    qemuIo(image, 'read -P 104 0 8M');
    qemuIo(image, 'read -P 59 9M 1M');
    expect(qemuCheck(image)).toEqual(SOUND);
    expect(used()).toBeLessThan(before + 9 * MiB);
  });
});
