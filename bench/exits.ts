// bench exits: what one exit costs a guest, by kind. The bare loop in C answers with constants: what is left there is KVM's price
// and the processor's, below which no launcher can go.
import { buildGuest } from '../fixtures/guests/build.ts';
import { commandLine, type Launcher } from '../fixtures/guests/launchers.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { buildBareLoop } from './baseline/build.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import type { BenchOptions } from './options.ts';

export async function benchExits(options: BenchOptions): Promise<void> {
  const elf = await buildGuest('exits');
  const bare = await buildBareLoop();
  const only = options.only?.split(',').filter(name => name !== 'bare-loop');
  const launchers = only?.length === 0 ? [] : contenders(['qemu-q35'], only?.join(','));
  const names: (Launcher | 'bare-loop')[] =
    !options.only || options.only.includes('bare-loop') ? ['bare-loop', ...launchers] : launchers;
  const words = options.arguments.length ? options.arguments : ['n=1000'];
  const command = (name: (typeof names)[number]) =>
    name === 'bare-loop'
      ? [bare, elf, ...words, 'mmio=0xd0000000']
      : commandLine(name, elf, { arguments: words, rng: true, quickFirmware: true, memory: options.memory ?? 64 });
  const all = await takeTurns(names, options.samples, async name => {
    const run = await launch(command(name), { until: 'verdict: pass' });
    return parseExits(run.output);
  });
  process.stdout.write(report(all, names));
}

/** The guest's `exit KIND N ns` lines. */
export function parseExits(output: string): Sample {
  const sample: Sample = {};
  for (const [, kind, ns] of output.matchAll(/^exit (\S+) (\d+) ns/gm)) sample[`${kind} (ns)`] = Number(ns);
  if (Object.keys(sample).length === 0) throw new FixtureError(`the guest named no exit:\n${output}`);
  return sample;
}
