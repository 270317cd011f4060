// A block device in the lab whose second half fails: device-mapper over a loop device over a file in the lab's memory.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../../../fixtures/lab/types.ts';
import { debianKernel } from '../../../fixtures/linux/kernel.ts';
import { loadModules } from '../../../fixtures/linux/modules.ts';
import { ensurePackages } from '../../../fixtures/support/packages.ts';
import { silent } from '../../../fixtures/support/progress.ts';

export interface FailingDevice {
  readonly path: string;
  remove(): Promise<void>;
}

const CREATE = `
set -e
for module in "$1"/*.ko; do insmod "$module" 2>/dev/null || true; done
truncate -s "$2" /tmp/failing.img
loop=$(losetup --find --show /tmp/failing.img)
half=$(($2 / 1024))
printf '0 %s linear %s 0\\n%s %s error\\n' $half $loop $half $half | dmsetup create failing
dmsetup info -c --noheadings -o minor failing
`;
const REMOVE = 'dmsetup remove failing; losetup --detach-all; rm -f /tmp/failing.img';
const env = { DM_DISABLE_UDEV: '1', PATH: '/usr/sbin:/sbin:/usr/bin:/bin' };

/** Makes one of `bytes` bytes. In the nested lab alone: this machine's device-mapper is nobody's to play with. */
export async function failingDevice(lab: Lab, scratch: string, bytes: number): Promise<FailingDevice> {
  await ensurePackages(['dmsetup', 'util-linux', 'kmod'], silent);
  const folder = join(scratch, 'modules');
  await mkdir(folder, { recursive: true });
  const { modules } = await debianKernel(silent);
  for (const [i, { name, data }] of (await loadModules(modules, ['loop', 'dm_mod'])).entries()) {
    await writeFile(join(folder, `${i}-${name}.ko`), data);
  }
  const { code, stdout, stderr } = await lab.run('sh', ['-c', CREATE, 'sh', folder, String(bytes)], { env });
  if (code !== 0) throw new Error(`no failing device: ${stderr}`);
  return {
    path: `/dev/dm-${stdout.toString().trim()}`,
    remove: async () => void (await lab.run('sh', ['-c', REMOVE], { env })),
  };
}
