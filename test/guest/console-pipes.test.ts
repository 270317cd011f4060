import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeDisk } from '../../fixtures/linux/disk.ts';
import { MiB } from '../../src/base/bits.ts';
import { PROGRAM } from '../support/program.ts';
import { kernel } from './support/linux.ts';
import { usePlace } from './support/place.ts';

const place = usePlace();
const SIZE = 10 * MiB;

/** Says what was typed before it was there, then reads SIZE bytes and gives all of them back. */
const INIT = `read -r early
echo "early: $early"
stty raw -echo
echo ready
dd bs=4096 count=${SIZE / 4096} iflag=fullblock of=/tmp/data 2>/dev/null
echo begin
cat /tmp/data
echo end
poweroff -f
`;

/** ^O, the one byte that a Linux keeps for itself on a virtio console that is its kernel console: a prefix for SysRq. */
const SYSRQ = 0x0f;

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it('a pipe into a Linux guest and one out of it lose no byte, from before the guest is there', async () => {
  const disk = join(place.scratch, 'pipes.img');
  await makeDisk(disk, { size: 16, init: INIT });
  const words = ['128', (await kernel('x86_64')).vmlinux, 'quiet', 'root=/dev/vda', 'ro', '--block', `${disk},ro`];
  const tslaunch = place.lab.spawn(process.execPath, [PROGRAM, ...words]);
  try {
    const parts: Buffer[] = [];
    const output = () => Buffer.concat(parts);
    tslaunch.stdout.on('data', bytes => parts.push(bytes));
    const said = once(tslaunch.stdout, 'end');
    tslaunch.stdin.write('typed ahead\n');
    const ready = () => output().toString('latin1').endsWith('ready\n');
    await expect.poll(ready, { timeout: 120_000, interval: 100 }).toBe(true);

    const input = randomBytes(SIZE).map(byte => (byte === SYSRQ ? 0 : byte));
    tslaunch.stdin.end(input);
    expect(await tslaunch.exited).toEqual({ code: 0, signal: null });
    await said;
    const all = output();
    expect(all.toString('latin1')).toMatch(/^early: typed ahead\r?$/m);
    const back = all.subarray(all.indexOf('ready\nbegin\n') + 12, all.lastIndexOf('end\n'));
    expect([back.length, digest(back)]).toEqual([SIZE, digest(input)]);
  } finally {
    tslaunch.kill('SIGKILL');
  }
});
