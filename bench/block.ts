// bench block: one virtio disk, raw and qcow2, beside QEMU with its two ways of doing I/O. First with a guest whose driver does next to
// nothing of its own, so that the launcher's side is what is measured; then with Linux and fio, where KVM has hardware behind it.
import { rm } from 'node:fs/promises';
import { buildGuest } from '../fixtures/guests/build.ts';
import { makeScratch } from '../fixtures/support/cache.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { makeProgress } from '../fixtures/support/progress.ts';
import { benchBlockLinux } from './block-linux.ts';
import { blockCommand, ENGINES, makeDisks } from './lib/block.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import type { BenchOptions } from './options.ts';

const MIB = 256;

/** Words for the guest: many small requests anywhere, large ones in a row; enough of them that a compiler's warming up is not what is measured. */
const RUNS = [
  ['op=both', 'order=random', 'bytes=4096', 'n=10000'],
  ['op=both', 'order=sequential', 'bytes=1048576', 'depth=4', 'n=1000'],
];

export async function benchBlock(options: BenchOptions): Promise<void> {
  if (options.part !== 'linux') await benchTiny(options);
  if (options.part !== 'tiny') await benchBlockLinux(options);
}

async function benchTiny(options: BenchOptions): Promise<void> {
  const elf = await buildGuest('blk-bench');
  const names = contenders(ENGINES, options.only);
  const progress = makeProgress();
  const scratch = await makeScratch('bench-block-');
  try {
    const disks = options.disks[0] ? [{ path: options.disks[0] }] : await makeDisks(scratch, MIB);
    const runs = options.arguments.length ? [options.arguments] : RUNS.map(words => [...words, 'irq=msix']);
    const all = await takeTurns(
      names,
      options.samples,
      async name => {
        const sample: Sample = {};
        for (const disk of disks) {
          for (const words of runs) {
            const needs = { memory: options.memory ?? 64, quickFirmware: true, arguments: words };
            const { output } = await launch(blockCommand(name, elf, { ...needs, disks: [disk] }), {
              until: 'verdict: pass',
            });
            Object.assign(sample, parseBlock(output, `${disk.format ?? 'raw'} `));
          }
        }
        return sample;
      },
      (name, round) => progress.note(`${round ? `sample ${round}` : 'warm-up'} ${name}`),
    );
    process.stdout.write(report(all, names));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The guest's `block OP ORDER depth D bytes B: N IOPS K KiB/s ...` lines: requests for small ones, MiB for large ones. */
export function parseBlock(output: string, prefix = ''): Sample {
  const sample: Sample = {};
  const lines = output.matchAll(/^block (\S+) (\S+) depth (\d+) bytes (\d+): (\d+) IOPS (\d+) KiB\/s/gm);
  for (const [, op, order, depth, bytes, iops, kib] of lines) {
    const what = `${prefix}${op} ${order} ${Number(bytes) / 1024} KiB depth ${depth}`;
    if (Number(bytes) < 65_536) sample[`${what} (IOPS)`] = Number(iops);
    else sample[`${what} (MiB/s)`] = Number(kib) / 1024;
  }
  if (Object.keys(sample).length === 0) throw new FixtureError(`the guest measured nothing:\n${output}`);
  return sample;
}
