import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkDisk, readFromDisk } from '../../fixtures/linux/disk.ts';
import { exec, output } from '../../fixtures/support/exec.ts';
import type { Guest } from './support/guest.ts';
import { kernel, rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

/** Whoever asks for a size wants to know the time, too. */
const ASKED = process.env.TSLAUNCH_TEST_DISK_MIB;

// The block device under Linux's own load, and what the host finds in the images afterwards. Five disks, one boot.
describe('disks of Linux under tslaunch', () => {
  const place = usePlace();
  let mib: number;
  let root: string;
  const image = (name: string) => join(place.scratch, `${name}.img`);

  beforeAll(async () => {
    // A gigabyte where the processor is real; the emulated one gets a taste, unless told otherwise.
    mib = Number(ASKED ?? (place.lab.kind === 'direct' ? 1024 : 32));
    root = await rootDisk(place.scratch, 64, { files: await fileSystemTools() });
    writeRandom(image('source'), mib);
    for (const name of ['copy', 'second']) sparse(image(name), mib);
    sparse(image('files'), 24);
    sparse(image('sealed'), 1);
    writeFileSync(image('tree'), await tree(place.scratch));
  });

  async function boot(): Promise<Guest> {
    const disks = ['source', 'copy', 'second', 'files', 'tree', 'sealed'];
    const options = [root, ...disks.map(name => image(name) + (/source|tree|sealed/.test(name) ? ',ro' : ''))];
    const words = ['--cpus', '2', ...options.flatMap(option => ['--block', option])];
    const guest = place.start([...words, '512', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda']);
    await guest.ready();
    return guest;
  }

  it('copies, checks, formats, fills and refuses as told', async () => {
    const guest = await boot();
    const took = async (what: string, work: () => Promise<unknown>) => {
      const start = Date.now();
      await work();
      const seconds = (Date.now() - start) / 1000;
      if (ASKED) console.log(`${what}: ${seconds.toFixed(1)} s`);
    };
    const dd = (from: string, to: string) => `dd if=/dev/${from} of=/dev/${to} bs=1M conv=fsync 2>/dev/null`;
    await took(`dd of ${mib} MiB`, () => guest.ask(dd('vdb', 'vdc')));
    await took(`checksum of ${mib} MiB in the guest`, async () => {
      await guest.ask('echo 3 >/proc/sys/vm/drop_caches');
      expect(await guest.ask('md5sum </dev/vdc | cut -c1-32')).toBe(digest('md5', image('source')));
    });
    await took('mke2fs and untar', async () => {
      await guest.ask('/mke2fs/mke2fs -q -t ext4 /dev/vde && mount -t ext4 /dev/vde /mnt');
      await guest.ask('tar -C /mnt -xf /dev/vdf && (cd /mnt && md5sum -s -c sums) && umount /mnt');
    });
    await took('four disks at once', async () => {
      const jobs = [dd('vdb', 'vdd'), 'md5sum </dev/vdc', 'md5sum </dev/vde', 'md5sum </dev/vdf'];
      const waits = jobs.map((_, n) => `wait $job${n}`).join(' && ');
      await guest.ask(`${jobs.map((job, n) => `${job} >/tmp/${n} & job${n}=$!;`).join(' ')} ${waits}`);
    });
    expect(await guest.ask('cat /sys/block/vd*/ro | tr -d "\\n"')).toBe('0100011');
    expect((await guest.try('echo changed >/dev/vdg')).status).not.toBe(0);

    const second = place.start(['64', (await kernel('x86_64')).bzImage, '--block', image('copy')]);
    const refused = await second.ended;
    expect(refused.code).toBe(1);
    expect(refused.errors).toMatch(new RegExp(`${image('copy')} is in use by process ${await guest.pid}\\b`));

    expect(await guest.end('poweroff -f')).toMatchObject({ code: 0, signal: null, errors: '' });
    const source = digest('sha256', image('source'));
    expect([digest('sha256', image('copy')), digest('sha256', image('second'))]).toEqual([source, source]);
    expect(readFileSync(image('sealed')).every(byte => byte === 0)).toBe(true);
    await checkDisk(image('files'));
    await checkDisk(root);
    const sums = (await readFromDisk(image('files'), '/sums')).toString().trim().split('\n');
    expect(sums.length).toBe(FILES);
    const [sum, name] = sums[7]!.split('  ');
    expect(
      createHash('md5')
        .update(await readFromDisk(image('files'), `/${name}`))
        .digest('hex'),
    ).toBe(sum);
  });
});

const FILES = 200;

function sparse(path: string, mib: number): void {
  writeFileSync(path, '');
  truncateSync(path, mib << 20);
}

function writeRandom(path: string, mib: number): void {
  const fd = openSync(path, 'w');
  for (let i = 0; i < mib; i++) writeSync(fd, randomBytes(1 << 20));
  closeSync(fd);
}

function digest(kind: string, path: string): string {
  return createHash(kind).update(readFileSync(path)).digest('hex');
}

/** The system's mke2fs with its libraries, since busybox knows ext2 only. */
async function fileSystemTools(): Promise<Record<string, Uint8Array>> {
  const program = '/usr/sbin/mke2fs';
  const libraries = (await output('ldd', [program])).match(/\/\S+/g) ?? [];
  const files = Object.fromEntries(libraries.map(path => [path, readFileSync(path)]));
  return { ...files, '/mke2fs/mke2fs': readFileSync(program) };
}

/** A tar archive of some hundred files of random bytes and their checksums, padded to a disk's size. */
async function tree(scratch: string): Promise<Buffer> {
  const directory = join(scratch, 'tree');
  mkdirSync(join(directory, 'deep/er'), { recursive: true });
  const sums: string[] = [];
  for (let i = 0; i < FILES; i++) {
    const name = `${i % 3 ? 'deep/' : ''}${i % 2 ? '' : i % 3 ? 'er/' : ''}file-${i}`;
    const data = randomBytes((i * 977) % 40_000);
    writeFileSync(join(directory, name), data);
    sums.push(`${createHash('md5').update(data).digest('hex')}  ${name}\n`);
  }
  writeFileSync(join(directory, 'sums'), sums.join(''));
  const { stdout } = await exec('tar', ['-C', directory, '-cf', '-', '.']);
  await exec('rm', ['-r', directory]);
  return Buffer.concat([stdout, Buffer.alloc(-stdout.length & 0xfff)]);
}
