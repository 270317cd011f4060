// bench exits: what one exit costs a guest, by kind. The bare loop in C answers with constants: what is left there is KVM's price
// and the processor's, below which no launcher can go. tslaunch runs once more without looking at instructions: the difference is what
// decoding adds to an exit whose instruction is in the cache, as it is in all rounds but the first.
import { buildGuest } from '../fixtures/guests/build.ts';
import { commandLine } from '../fixtures/guests/launchers.ts';
import { FixtureError } from '../fixtures/support/errors.ts';
import { buildBareLoop } from './baseline/build.ts';
import { report, type Sample, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import type { BenchOptions } from './options.ts';

const UNDECODED = 'tslaunch --no-decode';
const BARE = 'bare-loop';
const OTHERS = [UNDECODED, 'qemu-q35', BARE] as const;

export async function benchExits(options: BenchOptions): Promise<void> {
  const elf = await buildGuest('exits');
  const bare = await buildBareLoop();
  const names = contenders(OTHERS, options.only);
  const words = options.arguments.length ? options.arguments : ['n=1000'];
  const command = (name: (typeof names)[number]) => {
    if (name === BARE) return [bare, elf, ...words, 'mmio=0xd0000000'];
    const needs = { arguments: words, rng: true, quickFirmware: true, memory: options.memory ?? 64 };
    if (name === UNDECODED) return commandLine('tslaunch', elf, { ...needs, options: ['--no-decode'] });
    return commandLine(name, elf, needs);
  };
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
