// The Linux half of bench net: one boot a sample, in which the guest's own program talks to its other end on the host.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '../fixtures/guests/launchers.ts';
import { smallKernel } from '../fixtures/kernel/build.ts';
import { probeKvm } from '../fixtures/lab/probe.ts';
import { makeDisk } from '../fixtures/linux/disk.ts';
import { netLoad } from '../fixtures/net/build.ts';
import { GUEST, HOST, MAC, onWire, TAP } from '../fixtures/net/wire.ts';
import { makeScratch } from '../fixtures/support/cache.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { makeProgress } from '../fixtures/support/progress.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { inLab } from './lib/lab.ts';
import { launch } from './lib/launch.ts';
import { again, type BenchOptions } from './options.ts';

/** Where the processor is real, and where it is emulated: MiB over TCP, packets of UDP, round trips. */
const AMOUNTS = {
  hardware: { mib: 1024, packets: 200_000, trips: 2000 },
  emulated: { mib: 128, packets: 20_000, trips: 2000 },
};

/**
 * `run NAME WORDS` prints `net NAME: what net-load said`. All is done twice, and the first time counts nowhere: JavaScript that is not compiled
 * yet would be what is measured, which where the processor is emulated is a third of the throughput.
 */
const INIT = `
ip address add ${GUEST}/24 dev eth0
ip link set eth0 up
run() { what=$1; shift; echo "net $what: $(/net-load "$@")"; }
all() {
  /net-load offload eth0 1
  run rtt rtt ${HOST} $trips
  run tcp-send send ${HOST} $mib
  run tcp-receive fetch ${HOST} $mib
  run udp-send blast ${HOST} $packets 22
  run udp-receive listen ${HOST} $packets 22
  /net-load offload eth0 0
  run tcp-send-plain send ${HOST} $mib
  run tcp-receive-plain fetch ${HOST} $mib
}
all | sed 's/^net /before /'
all
echo "net: done"
poweroff -f
`;

const ROWS: Record<string, string> = {
  rtt: 'UDP round trip (us)',
  'tcp-send': 'TCP from guest (MiB/s)',
  'tcp-receive': 'TCP to guest (MiB/s)',
  'tcp-send-plain': 'TCP from guest, no TSO (MiB/s)',
  'tcp-receive-plain': 'TCP to guest, no TSO (MiB/s)',
  'udp-send': '64-byte frames from guest (1/s)',
  'udp-receive': '64-byte frames to guest (1/s)',
};

export async function benchNetLinux(options: BenchOptions): Promise<void> {
  const { hardware, why } = probeKvm();
  const progress = makeProgress();
  const kernel = await smallKernel('x86_64', progress);
  const load = await netLoad(progress);
  if (!hardware && !options.here) {
    progress.note(`not here: ${why}`);
    process.exitCode = await inLab(['net', '--part', 'linux', ...again(options)]);
    return;
  }
  const names = contenders(['qemu-q35'], options.only);
  const scratch = await makeScratch('bench-net-');
  try {
    const disk = join(scratch, 'root.img');
    await makeDisk(disk, { init: INIT, files: { '/net-load': readFileSync(load) } });
    // A nested KVM emulated by QEMU has svm as well: what tells it from a real one is how QEMU's processor calls itself.
    const emulated = /QEMU|TCG/.test(readFileSync('/proc/cpuinfo', 'latin1'));
    const amounts = Object.entries(emulated ? AMOUNTS.emulated : AMOUNTS.hardware).map(([k, v]) => `${k}=${v}`);
    const needs = { memory: options.memory ?? 512, disks: [{ path: disk }], nets: [{ tap: TAP, mac: MAC }] };
    const words = ['console=ttyS0', 'quiet', 'root=/dev/vda', 'panic=-1', ...amounts, ...options.arguments];
    const all = await takeTurns(
      names,
      options.samples,
      async name => {
        const sides = { before: '', beside: `${load} serve` };
        const command = onWire(commandLine(name, kernel.bzImage, { ...needs, arguments: words }), sides);
        const { output } = await launch(command, { until: 'net: done', timeout: 600_000 });
        return parseLoad(output);
      },
      (name, round, sample) =>
        progress.note(`${round ? `sample ${round}` : 'warm-up'} ${name} ${JSON.stringify(sample)}`),
    );
    process.stdout.write(report(all, names));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The guest's `net NAME: NUMBER unit` lines. */
export function parseLoad(output: string): Sample {
  const sample: Sample = {};
  for (const [, name, text] of output.replaceAll('\r', '').matchAll(/^net (\S+): (.*)$/gm)) {
    const row = ROWS[name!];
    if (row === undefined) continue;
    const value = Number.parseFloat(text!);
    if (Number.isNaN(value)) throw new FixtureError(`the guest's ${name} failed: ${text}`);
    sample[row] = value;
  }
  if (Object.keys(sample).length === 0) throw new FixtureError(`the guest measured nothing:\n${output}`);
  return sample;
}
