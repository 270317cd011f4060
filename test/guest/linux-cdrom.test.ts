import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeIso } from '../../fixtures/linux/iso.ts';
import { scsiCommand } from '../../fixtures/linux/scsi-command.ts';
import { withLibraries } from '../../fixtures/linux/system-program.ts';
import { ensurePackages, NEEDS } from '../../fixtures/support/packages.ts';
import { silent } from '../../fixtures/support/progress.ts';
import { Random } from '../devices/random.ts';
import { kernel, rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

const FILES = 60;

// CD-ROM drives as Linux uses them: two of them, one boot.
describe('CD-ROMs of Linux under tslaunch', () => {
  const place = usePlace();
  let root: string;
  let iso: string;
  let odd: string;
  const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

  beforeAll(async () => {
    iso = join(place.scratch, 'files.iso');
    odd = join(place.scratch, 'odd.iso');
    await makeIso(iso, tree(), silent);
    await makeIso(odd, { '/hello': 'from the second one\n' }, silent);
    appendFileSync(odd, 'not a block');
    await ensurePackages(NEEDS.eject, silent);
    const files = { ...(await withLibraries('/usr/bin/eject')), '/bin/scsi': readFileSync(await scsiCommand(silent)) };
    root = await rootDisk(place.scratch, 64, { files });
  });

  it('mounts, reads, locks, ejects and loads', async () => {
    const words = ['--block', root, '--cdrom', iso, '--cdrom', `${odd},serial=odd-1`];
    const guest = place.start([...words, '256', (await kernel('x86_64')).bzImage, 'quiet', 'root=/dev/vda']);
    await guest.ready();
    const scsi = async (cdb: string, room = 0, drive = 'sr0') =>
      (await guest.ask(`scsi /dev/${drive} ${cdb} ${room}`)).replace(/ host 0/, '');

    // What is on the medium, as files and as blocks.
    expect(await guest.ask('cat /sys/block/sr0/size')).toBe(String(readFileSync(iso).length / 512));
    await guest.ask('mount -t iso9660 -o ro /dev/sr0 /mnt && cd /mnt && md5sum -s -c sums && cd /');
    expect(await guest.ask('ls /mnt/deep/er/*.dat | wc -l')).toBe(String(FILES / 3));
    expect(await guest.ask('dd if=/dev/sr0 bs=64k 2>/dev/null | md5sum | cut -c1-32')).toBe(md5(readFileSync(iso)));
    expect(await guest.ask('mkdir -p /tmp/b && mount -t iso9660 -o ro /dev/sr1 /tmp/b && cat /tmp/b/hello')).toBe(
      'from the second one',
    );

    // While it is mounted the driver keeps the tray locked, for whatever command.
    expect(await scsi('1b0000000200')).toBe('status 2 sense 05/53/02 residual 0');

    // What the drive says of itself, and of commands that it does not know.
    expect(await scsi('1200000024ff', 36)).toContain(Buffer.from('TSLAUNCHCD-ROM').toString('hex'));
    expect(await scsi('120180001400', 20, 'sr1')).toContain(Buffer.from('odd-1').toString('hex'));
    expect(await scsi('2a000000000000000100')).toBe('status 2 sense 05/20/00 residual 0');
    expect(await scsi('12019900ff00', 255)).toMatch(/^status 2 sense 05\/24\/00/);
    expect(await scsi('28007fffffff00000100', 2048)).toMatch(/^status 2 sense 05\/21\/00/);
    expect(await scsi('43020000000000001400', 20)).toMatch(/ data 001201010014010000000200/);

    // Out, and in again.
    await guest.ask('umount /mnt && eject /dev/sr0');
    expect(await scsi('000000000000')).toBe('status 2 sense 02/3A/00 residual 0');
    expect(await guest.ask('cat /tmp/b/hello')).toBe('from the second one');
    await guest.ask(
      'eject -t /dev/sr0 && mount -t iso9660 -o ro /dev/sr0 /mnt && cd /mnt && md5sum -s -c sums && cd /',
    );

    // The images are only read: another guest may share them, nobody may write them.
    const second = place.start(['--block', iso, '64', (await kernel('x86_64')).bzImage]);
    expect((await second.ended).errors).toMatch(`Block image ${iso} is in use by process ${await guest.pid}.`);

    expect(await guest.ask('dmesg | grep -ciE "sr[01].*(error|fail|sense)|virtio.*reset"; true')).toBe('0');
    const end = await guest.end('poweroff -f');
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(end.errors).toMatch(/^tslaunch: CD-ROM image \S+odd.iso is \d+ bytes, not a multiple of 2048: .*\n$/);
  });
});

/** Files of random bytes below long names, and their checksums. */
function tree(): Record<string, Uint8Array> {
  const random = new Random(77);
  const files: Record<string, Uint8Array> = {};
  const sums: string[] = [];
  for (let i = 0; i < FILES; i++) {
    const name = `${i % 3 ? '' : 'deep/er/'}A file with quite a long name number ${i}.dat`;
    files[`/${name}`] = random.bytes((i * 7919) % 50_000);
    sums.push(`${createHash('md5').update(files[`/${name}`]!).digest('hex')}  ${name}\n`);
  }
  return { ...files, '/sums': Buffer.from(sums.join('')) };
}
