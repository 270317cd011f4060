import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkDisk, makeDisk, readFromDisk } from '../../fixtures/linux/disk.ts';
import { fio } from '../../fixtures/linux/fio.ts';
import { staticProgram } from '../../fixtures/linux/static-program.ts';
import { exec } from '../../fixtures/support/exec.ts';
import { silent } from '../../fixtures/support/progress.ts';
import { failingDevice } from './support/failing-device.ts';
import { kernel, rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

/** Seconds of fio, and of storm, unless it is 0; five minutes are what a release is worth. */
const STORM = Number(process.env.TSLAUNCH_TEST_STORM_SECONDS ?? 0);
/** How often the launcher is killed under Linux: 3 where the other cuts are many, too. */
const CUTS = process.env.TSLAUNCH_TEST_CUTS ? 3 : 1;

const linuxFixture = (name: string) => readFileSync(new URL(`../../fixtures/linux/${name}`, import.meta.url));
const qemuImg = (...words: string[]) => exec('qemu-img', words);

// Images under Linux's own load, and what qemu-img and e2fsck find in them afterwards.
describe('images of Linux under tslaunch', () => {
  const place = usePlace();
  const at = (name: string) => join(place.scratch, name);
  let root: string;
  beforeAll(async () => {
    const files = {
      ...(await fio(silent)),
      '/root/fio-rounds': linuxFixture('fio-rounds.sh'),
      '/root/verify.fio': linuxFixture('verify.fio'),
      '/root/disk-storm': readFileSync(await staticProgram('disk-storm', silent)),
    };
    root = await rootDisk(place.scratch, 64, { size: 48, files });
  });

  it('take a storm, give back what is discarded, grow, and fail alone', {
    timeout: 900_000 + 2000 * STORM,
  }, async () => {
    await chainOfThree(place.scratch);
    await qemuImg('convert', '-O', 'raw', at('top.qcow2'), at('mirror.img'));
    // Where the host's file system has holes, and tells at once how long a file is.
    await place.lab.run('sh', ['-c', 'truncate -s 16M /tmp/trim.img /tmp/grow.img']);
    const failing = place.lab.kind === 'nested' ? await failingDevice(place.lab, place.scratch, 8 << 20) : undefined;
    try {
      const disks = [
        root,
        `${at('top.qcow2')},backing=on,queues=2,serial=chain`,
        `${at('mirror.img')},format=raw`,
        '/tmp/trim.img',
        '/tmp/grow.img',
        ...(failing ? [failing.path] : []),
      ];
      const words = ['--cpus', '2', ...disks.flatMap(disk => ['--block', disk])];
      const guest = place.start([...words, '256', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda']);
      await guest.ready();
      expect(await guest.ask('cat /sys/block/vdb/serial; echo; ls /sys/block/vdb/mq | wc -l')).toBe('chain\n2');
      expect(await guest.ask('cat /sys/block/vdb/queue/discard_granularity')).toBe('65536');
      const mode = '/sys/block/vdc/cache_type';
      expect(await guest.ask(`cat ${mode}; echo "write through" >${mode}; cat ${mode}`)).toBe(
        'write back\nwrite through',
      );
      await guest.ask(`dd if=/dev/vdc of=/dev/vdc bs=64k count=4 conv=fsync 2>/dev/null && echo "write back" >${mode}`);

      const used = async () => Number((await place.lab.run('stat', ['-c', '%b', '/tmp/trim.img'])).stdout.toString());
      await guest.ask('dd if=/dev/vdc of=/dev/vdd bs=1M count=16 conv=fsync 2>/dev/null');
      expect(await used()).toBeGreaterThan(16_000);
      await guest.ask('blkdiscard /dev/vdd');
      expect(await used()).toBe(0);

      await place.lab.run('truncate', ['-s', '20M', '/tmp/grow.img']);
      await guest.ask('until [ $(cat /sys/block/vde/size) = 40960 ]; do sleep 0.1; done');
      await guest.ask('dd if=/dev/vdc of=/dev/vde bs=1M count=1 seek=19 conv=fsync 2>/dev/null');

      if (failing) {
        const dd = (words: string) => guest.try(`dd bs=64k iflag=direct count=8 ${words} 2>/dev/null`);
        expect((await dd('if=/dev/vdf of=/dev/null')).status).toBe(0);
        expect((await dd('if=/dev/vdf of=/dev/null skip=64')).status).not.toBe(0);
        await guest.try('dd if=/dev/zero of=/dev/vdf bs=64k count=8 seek=64 conv=fsync 2>/dev/null');
        expect((await guest.try('dd if=/dev/zero of=/dev/vdf bs=64k count=8 seek=64 conv=fsync 2>&1')).status).not.toBe(
          0,
        );
      }

      const seconds = STORM || (place.lab.kind === 'direct' ? 30 : 5);
      const seed = process.pid;
      const storm = await guest.ask(`/root/disk-storm /dev/vdb /dev/vdc ${seconds} ${seed} 4 32`, seconds);
      expect(storm, `seed ${seed}`).toMatch(/^storm: \d{2,} reads, \d{2,} writes, \d+ syncs, 0 wrong$/);
      const rounds = await guest.ask(`/root/fio-rounds ${STORM || 30} /dev/vdb /dev/vdc`, STORM);
      expect(rounds).toMatch(/^fio: [1-9]\d* rounds, \d{5,} KiB read, \d{5,} KiB written$/);
      if (STORM) console.log(`${storm}\n${rounds}`);
      const { code, errors } = await guest.end('poweroff -f');
      expect(code).toBe(0);
      const faults =
        /^tslaunch: block5(?: \(\/dev\/dm-\d+\): a (?:read|write|flush) failed on the host: EIO;|: .* could not keep ).*\n/gm;
      expect(errors.replace(failing ? faults : '', '')).toBe('');
    } finally {
      await failing?.remove();
      await place.lab.run('rm', ['-f', '/tmp/trim.img', '/tmp/grow.img']);
    }
    await qemuImg('check', '-q', at('top.qcow2'));
    expect((await qemuImg('compare', at('top.qcow2'), at('mirror.img'))).stdout.toString()).toBe(
      'Images are identical.\n',
    );
    for (const name of ['base.qcow2', 'middle.qcow2']) await qemuImg('check', '-q', at(name));
  });

  it('survive a launcher that is killed: every synced file is there', { timeout: 300_000 * CUTS }, async () => {
    await makeDisk(at('files.img'), { root: false, size: 48 });
    await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', at('files.img'), at('files.qcow2'));
    const kept = new Map<string, string>();
    for (let cut = 1; cut <= CUTS; cut++) {
      const words = ['--block', `${root},ro`, '--block', at('files.qcow2')];
      const guest = place.start([...words, '128', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda', 'ro']);
      await guest.ready();
      await guest.ask('mount -t ext4 /dev/vdb /mnt');
      const file = `/mnt/${cut}-$i`;
      const write = `dd if=/dev/urandom of=${file} bs=997 count=$((i % 40)) conv=fsync 2>/dev/null`;
      guest.type(`i=0; while i=$((i + 1)); ${write}; do echo "kept ${cut}-$i $(md5sum <${file})"; done\n`);
      for (let lines = 0; lines < 25 + 7 * cut; lines++) await guest.hear(/^kept .*\n/m);
      const { signal, text } = await guest.interrupt('SIGKILL');
      expect(signal).toBe('SIGKILL');
      await place.lab.run('sync');
      for (const [, name, sum] of text.matchAll(/^kept (\S+) ([0-9a-f]{32}) {2}-$/gm)) kept.set(name!, sum!);
      await exec('qemu-img', ['check', '-q', at('files.qcow2')], { okStatuses: [0, 3] });
      await qemuImg('convert', '-O', 'raw', at('files.qcow2'), at('left.img'));
      // The journal is enough: what preening does not mend by itself is an error.
      await exec('/usr/sbin/e2fsck', ['-fp', at('left.img')], { okStatuses: [0, 1] });
      await checkDisk(at('left.img'));
      for (const [name, sum] of kept) {
        const found = createHash('md5').update(await readFromDisk(at('left.img'), `/${name}`));
        expect(found.digest('hex'), `${name} after cut ${cut}`).toBe(sum);
      }
    }
    expect(kept.size).toBeGreaterThan(25 * CUTS);
  });
});

/** base.qcow2 below middle.qcow2 below top.qcow2, each with some bytes of its own, 24 MiB. */
async function chainOfThree(folder: string): Promise<void> {
  const image = (name: string) => join(folder, `${name}.qcow2`);
  await qemuImg('create', '-q', '-f', 'qcow2', '-o', 'cluster_size=4k', image('base'), '24M');
  await exec('qemu-io', ['-c', 'write -P 1 0 10M', image('base')]);
  await qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', image('middle'));
  await exec('qemu-io', ['-c', 'write -P 2 5M 10M', '-c', 'write -z 1M 1M', image('middle')]);
  await qemuImg('create', '-q', '-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', image('top'));
  await exec('qemu-io', ['-c', 'write -P 3 14M 3000k', image('top')]);
}
