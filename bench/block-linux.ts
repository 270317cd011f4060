// The Linux half of bench block: one boot a sample, in which fio goes through its jobs on a second disk.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { smallKernel } from '../fixtures/kernel/build.ts';
import { probeKvm } from '../fixtures/lab/probe.ts';
import { makeDisk } from '../fixtures/linux/disk.ts';
import { fio } from '../fixtures/linux/fio.ts';
import { makeScratch } from '../fixtures/support/cache.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { ensurePackages } from '../fixtures/support/packages.ts';
import { makeProgress } from '../fixtures/support/progress.ts';
import { blockCommand, ENGINES, makeDisks } from './lib/block.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { inLab } from './lib/lab.ts';
import { launch } from './lib/launch.ts';
import { again, type BenchOptions } from './options.ts';

const MIB = 128;

/** One after the other, past the guest's page cache. */
const JOBS = `[global]
filename=/dev/vdb
direct=1
ioengine=libaio
time_based=1
group_reporting=1
stonewall
`;
const ROWS = [
  ...[1, 8, 32].flatMap(depth => ['read', 'write'].map(op => ({ op, order: 'random', kib: 4, depth }))),
  ...['read', 'write'].map(op => ({ op, order: 'sequential', kib: 1024, depth: 4 })),
];

/** Seconds: of each row, before it counts, and of each thing that is done beforehand and counts nowhere. */
interface Times {
  readonly row: number;
  readonly ramp: number;
  readonly warmUp: number;
}
/** Where the processor is emulated, V8 needs half a minute of work until it has compiled what disks need: a third of the requests without. */
const TIMES: Record<'hardware' | 'emulated', Times> = {
  hardware: { row: 5, ramp: 1, warmUp: 1 },
  emulated: { row: 3, ramp: 1, warmUp: 8 },
};

function jobFile({ row, ramp, warmUp }: Times): string {
  const job = (name: string, ...options: string[]) => `[${name}]\n${options.join('\n')}\n`;
  const load = (rw: string, kib: number, depth: number) => [`rw=${rw}`, `bs=${kib}k`, `iodepth=${depth}`];
  const before = [load('randrw', 4, 1), load('randrw', 4, 8), load('randrw', 4, 32), load('rw', 1024, 4)];
  const jobs = ROWS.map(({ op, order, kib, depth }) => {
    const rw = order === 'random' ? `rand${op}` : op;
    return job(`${op}-${order}-${kib}-${depth}`, ...load(rw, kib, depth), `runtime=${row}`, `ramp_time=${ramp}`);
  });
  return [JOBS, ...before.map((options, i) => job(`warm-up-${i}`, ...options, `runtime=${warmUp}`)), ...jobs].join('');
}

/** fio's terse lines, version 3: the third field is the job's name, bandwidths and requests a second follow. It ends from outside: QEMU may lose last words. */
const INIT = `
fio --output-format=terse --terse-version=3 /jobs | grep '^3;' | grep -v ';warm-up-' | sed 's/^/fio /'
echo "fio: done"
sleep 30
poweroff -f
`;
/** Fields of a terse line, from 0: KiB a second and requests a second, of reads and of writes. */
const FIELDS = { name: 2, read: { kib: 6, iops: 7 }, write: { kib: 47, iops: 48 } } as const;

export async function benchBlockLinux(options: BenchOptions): Promise<void> {
  const { hardware, why } = probeKvm();
  const progress = makeProgress();
  const kernel = await smallKernel('x86_64', progress);
  await ensurePackages(['qemu-utils'], progress);
  if (!hardware && !options.here) {
    progress.note(`not here: ${why}`);
    process.exitCode = await inLab(['block', '--part', 'linux', ...again(options)]);
    return;
  }
  const names = contenders(ENGINES, options.only);
  const scratch = await makeScratch('bench-block-');
  try {
    const root = join(scratch, 'root.img');
    // A nested KVM emulated by QEMU has svm as well: what tells it from a real one is how QEMU's processor calls itself.
    const emulated = /QEMU|TCG/.test(readFileSync('/proc/cpuinfo', 'latin1'));
    const files = { ...(await fio(progress)), '/jobs': jobFile(emulated ? TIMES.emulated : TIMES.hardware) };
    await makeDisk(root, { size: 48, init: INIT, files });
    const disks = await makeDisks(scratch, MIB);
    const words = ['console=ttyS0', 'quiet', 'root=/dev/vda', 'panic=-1', ...options.arguments];
    const all = await takeTurns(
      names,
      options.samples,
      async name => {
        const sample: Sample = {};
        for (const disk of disks) {
          const needs = { memory: options.memory ?? 512, arguments: words, disks: [{ path: root }, disk] };
          const run = await launch(blockCommand(name, kernel.bzImage, needs), {
            until: 'fio: done',
            stopThere: true,
            timeout: 600_000,
          });
          Object.assign(sample, parseFio(run.output, `${disk.format} `));
        }
        return sample;
      },
      (name, round, sample) =>
        progress.note(`${round ? `sample ${round}` : 'warm-up'} ${name} ${JSON.stringify(sample)}`),
    );
    process.stdout.write(report(all, names));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The guest's `fio 3;...` lines. */
export function parseFio(text: string, prefix = ''): Sample {
  const sample: Sample = {};
  for (const [, line] of text.replaceAll('\r', '').matchAll(/^fio (3;.*)$/gm)) {
    const fields = line!.split(';');
    const [op, order, kib, depth] = fields[FIELDS.name]!.split('-');
    const place = FIELDS[op as 'read' | 'write'];
    const what = `fio: ${prefix}${op} ${order} ${kib} KiB depth ${depth}`;
    if (Number(kib) < 64) sample[`${what} (IOPS)`] = Number(fields[place.iops]);
    else sample[`${what} (MiB/s)`] = Number(fields[place.kib]) / 1024;
  }
  if (Object.keys(sample).length !== ROWS.length) throw new FixtureError(`fio did not do all its jobs:\n${text}`);
  return sample;
}
