// The Linux guests of the tests: the project's small kernels, and disks whose init is the shell of guest-shell.sh.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SmallKernel, smallKernel, type Variant } from '../../../fixtures/kernel/build.ts';
import { busybox } from '../../../fixtures/linux/busybox.ts';
import { cpio, directories, program } from '../../../fixtures/linux/cpio.ts';
import { type DiskOptions, INIT_PREAMBLE, makeDisk } from '../../../fixtures/linux/disk.ts';
import { makeProgress } from '../../../fixtures/support/progress.ts';

const SHELL = readFileSync(new URL('guest-shell.sh', import.meta.url), 'utf8');

/** Building a kernel takes minutes, once: the run should not look dead meanwhile. */
const progress = makeProgress();

export function kernel(variant: Variant): Promise<SmallKernel> {
  return smallKernel(variant, progress);
}

/** An ext4 root with the shell as its init. Returns its path. */
export async function rootDisk(directory: string, bits: 32 | 64 = 64, options: DiskOptions = {}): Promise<string> {
  const path = join(directory, `root${bits}.img`);
  await makeDisk(path, { size: 32, init: SHELL, busybox: await busybox(bits, progress), ...options });
  return path;
}

/** What else an initramfs has: programs by path without leading slash, and lines that the shell begins with. */
export interface InitrdOptions {
  readonly programs?: Readonly<Record<string, Uint8Array>>;
  readonly shell?: string;
}

/** An initramfs with the same shell as its init. Returns its path. */
export async function shellInitrd(
  directory: string,
  { programs = {}, shell = '' }: InitrdOptions = {},
): Promise<string> {
  const path = join(directory, 'initrd');
  const init =
    INIT_PREAMBLE.replace('#!/bin/sh\n', '#!/bin/busybox sh\n/bin/busybox --install -s /bin\n') + shell + SHELL;
  const console = { path: 'dev/console', kind: 'character', mode: 0o600, major: 5, minor: 1 } as const;
  const tree = directories(['bin', 'dev', 'proc', 'root', 'sys', 'tmp']);
  const files = [program('bin/busybox', readFileSync(await busybox(64, progress))), program('init', init)];
  for (const [name, data] of Object.entries(programs)) files.push(program(name, data));
  writeFileSync(path, cpio([...tree, console, ...files]));
  return path;
}

/** name=value lines as an object. */
export function parseFacts(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split('\n').flatMap(line => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()]] : [];
    }),
  );
}
