import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB_VARIABLE, openLab } from '../../fixtures/lab/open.ts';
import type { Lab } from '../../fixtures/lab/types.ts';
import { checkDisk, makeDisk, readFromDisk } from '../../fixtures/linux/disk.ts';
import { guestInitramfs } from '../../fixtures/linux/initramfs.ts';
import { debianKernel } from '../../fixtures/linux/kernel.ts';
import { makeScratch } from '../../fixtures/support/cache.ts';
import { ensurePackages, NEEDS } from '../../fixtures/support/packages.ts';
import { silent } from '../../fixtures/support/progress.ts';

let lab: Lab;
let scratch: string;
beforeAll(async () => {
  lab = await openLab();
  scratch = await makeScratch('test-');
});
afterAll(async () => {
  await lab.close();
  rmSync(scratch, { recursive: true });
});

const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('the lab', () => {
  it('has a KVM with hardware behind it', async () => {
    const { stdout } = await lab.run('sh', [
      '-c',
      'test -w /dev/kvm && grep -ow -m1 -e svm -e vmx /proc/cpuinfo | head -1',
    ]);
    expect(stdout.toString()).toMatch(/^(svm|vmx)\n$/);
  });

  it('carries 10 MiB each way without losing a byte', async () => {
    const input = randomBytes(10 << 20);
    const { code, stdout } = await lab.run('cat', [], { input });
    expect([code, sum(stdout)]).toEqual([0, sum(input)]);
  });

  it('has this checkout at the same path, and a directory that both sides write', async () => {
    const theirs = join(scratch, 'theirs');
    const mine = join(scratch, 'mine');
    writeFileSync(mine, 'first');
    const script = `cat package.json; cat ${mine} >&2; echo inside >${theirs}`;
    const { code, stdout, stderr } = await lab.run('sh', ['-c', script]);
    expect(code).toBe(0);
    expect(stdout).toEqual(readFileSync('package.json'));
    expect(stderr.toString()).toBe('first');
    expect(readFileSync(theirs, 'utf8')).toBe('inside\n');
    writeFileSync(mine, 'then something longer');
    expect((await lab.run('cat', [mine])).stdout.toString()).toBe('then something longer');
  });

  it('has network namespaces, bridges and taps of its own', async () => {
    const script = `set -e
      ip netns add lab-test
      trap 'ip netns del lab-test' EXIT
      ip netns exec lab-test sh -ec 'ip link add br-test type bridge; ip tuntap add tap-test mode tap;
        ip link set tap-test master br-test; ip -br link show master br-test'`;
    const { code, stdout, stderr } = await lab.run('sh', ['-c', script]);
    expect([code, stderr.toString()]).toEqual([0, '']);
    expect(stdout.toString()).toMatch(/^tap-test/);
  });

  it('runs an unmodified kernel to its user space: a disk as root, files that are still there afterwards', async () => {
    await ensurePackages(NEEDS.qemu, silent);
    const kernel = await debianKernel(silent);
    const initrd = await guestInitramfs(kernel, silent);
    const disk = join(scratch, 'disk.img');
    const init = 'mount -o remount,rw /; uname -r >/said; cat /said; sync; mount -o remount,ro /; poweroff -f\n';
    await makeDisk(disk, { size: 16, init });
    const arguments_ = [
      ...['-accel', 'kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-kernel', kernel.vmlinux, '-initrd', initrd, '-serial', 'stdio'],
      ...['-append', 'console=ttyS0 root=/dev/vda noxsave quiet panic=-1'],
      ...['-drive', `file=${disk},format=raw,if=none,id=disk`, '-device', 'virtio-blk-pci,drive=disk'],
    ];
    const { code, stdout } = await lab.run('qemu-system-x86_64', arguments_, { timeout: 200_000 });
    expect(stdout.toString()).toContain(`${kernel.release}\r\n`);
    expect(code).toBe(0);
    await checkDisk(disk);
    expect((await readFromDisk(disk, '/said')).toString()).toBe(`${kernel.release}\n`);
  });
});

describe('a nested machine', () => {
  it('is gone, QEMU and socket, when its owner is killed', async () => {
    const environment = { ...process.env };
    delete environment[LAB_VARIABLE];
    const owner = spawn(process.execPath, ['--import', 'tsx', 'fixtures/lab/cli.ts', '--serve'], { env: environment });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const socket = /TSLAUNCH_LAB=(.*)\n/.exec(line.toString())![1]!;
    const children = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number);
    const qemu = children.find(pid => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system'))!;
    expect(existsSync(socket)).toBe(true);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    for (let tries = 0; tries < 100 && existsSync(`/proc/${qemu}`); tries++) {
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    expect(existsSync(`/proc/${qemu}`)).toBe(false);
  });
});
