// bench block: requests a second of one virtio disk on a raw image, from a guest whose driver does next to nothing of its own.
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGuest } from '../fixtures/guests/build.ts';
import { commandLine } from '../fixtures/guests/launchers.ts';
import { makeScratch } from '../fixtures/support/cache.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import type { BenchOptions } from './options.ts';

const MIB = 256;

export async function benchBlock(options: BenchOptions): Promise<void> {
  const elf = await buildGuest('blk-bench');
  const names = contenders(['qemu-q35'], options.only);
  const scratch = await makeScratch('bench-block-');
  try {
    const disk = options.disks[0] ?? join(scratch, 'disk.img');
    if (!options.disks[0]) await fill(disk);
    const words = options.arguments.length ? options.arguments : ['op=both', 'order=both', 'irq=msix', 'n=2000'];
    const needs = { memory: options.memory ?? 64, quickFirmware: true, disks: [{ path: disk }], arguments: words };
    const all = await takeTurns(names, options.samples, async name => {
      const run = await launch(commandLine(name, elf, needs), { until: 'verdict: pass' });
      return parseBlock(run.output);
    });
    process.stdout.write(report(all, names));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** An image with all its blocks there: holes would be answered without a disk. */
async function fill(path: string): Promise<void> {
  const block = Buffer.alloc(1 << 20, 0x5a);
  await writeFile(path, '');
  for (let i = 0; i < MIB; i++) await writeFile(path, block, { flag: 'a' });
  await truncate(path, MIB << 20);
}

/** The guest's `block OP ORDER depth D bytes B: N IOPS ...` lines. */
export function parseBlock(output: string): Sample {
  const sample: Sample = {};
  for (const [, what, iops] of output.matchAll(/^block (.*?) bytes \d+: (\d+) IOPS/gm))
    sample[`${what} (IOPS)`] = Number(iops);
  if (Object.keys(sample).length === 0) throw new FixtureError(`the guest measured nothing:\n${output}`);
  return sample;
}
