// What both halves of bench block have in common: who takes part, and the disks.
import { join } from 'node:path';
import { commandLine, type Disk, type GuestNeeds } from '../../fixtures/guests/launchers.ts';
import { exec } from '../../fixtures/support/exec.ts';

/** QEMU's ways of reading and writing. */
export const ENGINES = ['qemu-threads', 'qemu-io_uring'] as const;
export type Contender = 'tslaunch' | (typeof ENGINES)[number];
export const FORMATS = ['raw', 'qcow2'] as const;

/** The command of a contender: the last disk is the one that is measured. */
export function blockCommand(name: Contender, kernel: string, needs: GuestNeeds): string[] {
  if (name === 'tslaunch') return commandLine(name, kernel, needs);
  const aio = name === 'qemu-threads' ? 'threads' : 'io_uring';
  return commandLine('qemu-q35', kernel, { ...needs, disks: needs.disks?.map(disk => ({ ...disk, aio })) ?? [] });
}

/** An image of each format with all its blocks there: holes would be answered without a disk. */
export async function makeDisks(directory: string, mib: number): Promise<Disk[]> {
  const source = join(directory, 'raw.img');
  await exec('sh', ['-c', `head -c ${mib}M /dev/urandom >"$1"`, 'sh', source]);
  const disks: Disk[] = [];
  for (const format of FORMATS) {
    const path = join(directory, `${format}.img`);
    if (format !== 'raw') await exec('qemu-img', ['convert', '-f', 'raw', '-O', format, source, path]);
    disks.push({ path, format });
  }
  return disks;
}
