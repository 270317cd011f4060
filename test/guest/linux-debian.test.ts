import { expect, it } from 'vitest';
import { guestInitramfs } from '../../fixtures/linux/initramfs.ts';
import { debianKernel } from '../../fixtures/linux/kernel.ts';
import { silent } from '../../fixtures/support/progress.ts';
import { rootDisk } from './support/linux.ts';
import { usePlace } from './support/place.ts';

// Debian's own kernel, from its first port access to its last: the instruction behind each is found, and says what KVM says.
const place = usePlace();

it('every exit of a boot of Debian’s kernel is decoded, and none disagrees with KVM', {
  timeout: 900_000,
}, async () => {
  const debian = await debianKernel(silent);
  const initrd = await guestInitramfs(debian, silent);
  const disk = await rootDisk(place.scratch);
  const devices = ['--block', disk, '--rng', '--initrd', initrd];
  // Thousands of letters on the serial port are one instruction again and again, most of a boot where the processor is emulated.
  const words = ['512', debian.vmlinux, 'root=/dev/vda', ...(place.lab.kind === 'nested' ? ['quiet'] : [])];
  const guest = place.start(['--stats', '--cpus', '2', ...devices, ...words]);
  await guest.ready();
  expect(await guest.ask('uname -r')).toBe(debian.release);
  const { code, errors } = await guest.end('poweroff -f');
  expect(code, errors).toBe(0);
  const count = (kind: string) => Number(new RegExp(`^ +(\\d+)  KVM_EXIT_${kind}$`, 'm').exec(errors)?.[1] ?? 0);
  expect(count('IO')).toBeGreaterThan(1000);
  expect(count('MMIO')).toBeGreaterThan(100);
  expect(errors).toContain(`Decoded at ${count('IO') + count('MMIO')} exits, 0 mismatches against KVM's reading.`);
});
