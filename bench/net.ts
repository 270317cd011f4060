// bench net: how much goes through one virtio network device on a tap. First with a guest that does next to nothing a frame, so that
// the launcher's side is what is measured, at this machine's full speed; then with Linux guests, where KVM has hardware behind it.
import { buildGuest } from '../fixtures/guests/build.ts';
import { commandLine } from '../fixtures/guests/launchers.ts';
import { frameFlood } from '../fixtures/net/build.ts';
import { GUEST, HOST, MAC, onWire, TAP } from '../fixtures/net/wire.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { makeProgress } from '../fixtures/support/progress.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import { benchNetLinux } from './net-linux.ts';
import type { BenchOptions } from './options.ts';

/** Words for the guest, by row: half a second each at least, or a compiler's warming up is what is measured. 65226 bytes are 45 segments of 1448. */
const SENDS = [
  'bytes=64 n=1000000',
  'bytes=1514 n=1000000',
  'bytes=1514 n=1000000 pieces=2',
  'bytes=65226 n=200000',
  'bytes=65226 n=100000 pieces=17',
];
const RECEIVES = ['bytes=64 n=500000', 'bytes=1514 n=500000', 'bytes=65226 n=50000', 'bytes=65226 n=30000 mrg=1'];
/** A driver that sleeps leaves its processor to whoever floods the wire. */
const HOW = { send: ['op=tx', 'irq=poll'], receive: ['op=rx', 'irq=msix', 'event-idx=1'] };
const ECHO = ['op=rtt', 'irq=poll', 'n=4000', `host=${HOST}`, `guest=${GUEST}`];
/** So that nobody asks the guest who it is in the middle of it. */
const NEIGHBOUR = `ip neighbour add ${GUEST} lladdr ${MAC} dev ${TAP} nud permanent`;

export async function benchNet(options: BenchOptions): Promise<void> {
  if (options.part !== 'linux') await benchTiny(options);
  if (options.part !== 'tiny') await benchNetLinux(options);
}

async function benchTiny(options: BenchOptions): Promise<void> {
  const elf = await buildGuest('net-bench');
  const flood = await frameFlood();
  const names = contenders(['qemu-q35'], options.only);
  const progress = makeProgress();
  const all = await takeTurns(
    names,
    options.samples,
    async name => {
      const sample: Sample = {};
      const run = async (words: string[], sides: { before?: string; beside?: string } = {}) => {
        const needs = { memory: options.memory ?? 64, quickFirmware: true, nets: [{ tap: TAP, mac: MAC }] };
        const command = commandLine(name, elf, { ...needs, arguments: [...words, ...options.arguments] });
        const { output } = await launch(onWire(command, sides), { until: 'verdict: pass' });
        Object.assign(sample, parseNet(output, words));
      };
      for (const words of SENDS) await run([...HOW.send, ...words.split(' ')]);
      for (const words of RECEIVES)
        await run([...HOW.receive, ...words.split(' ')], { beside: `exec ${flood} ${TAP} ${/\d+/.exec(words)}` });
      await run(ECHO, { before: NEIGHBOUR });
      return sample;
    },
    (name, round) => progress.note(`${round ? `sample ${round}` : 'warm-up'} ${name}`),
  );
  process.stdout.write(report(all, names));
}

/** The guest's `net tx 64 bytes: N frames/s M KiB/s ...` line: frames for small ones, MiB for large ones. */
export function parseNet(output: string, words: readonly string[] = []): Sample {
  const trip = /^net rtt \d+ bytes: (\d+) ns/m.exec(output);
  if (trip) return { 'echo of 64 B (us)': Number(trip[1]) / 1000 };
  const [, op, bytes, frames, kib] = /^net (tx|rx) (\d+) bytes: (\d+) frames\/s (\d+) KiB\/s/m.exec(output) ?? [];
  if (op === undefined) throw new FixtureError(`the guest measured nothing:\n${output}`);
  const pieces = words.find(word => word.startsWith('pieces='))?.slice(7);
  const how = pieces ? ` in ${pieces} pieces` : words.includes('mrg=1') ? ' in buffers of 1536 B' : '';
  const what = `${op === 'tx' ? 'send' : 'receive'} ${bytes} B${how}`;
  return Number(bytes) < 10_000
    ? { [`${what} (frames/s)`]: Number(frames) }
    : { [`${what} (MiB/s)`]: Number(kib) / 1024 };
}
