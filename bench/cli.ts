// npm run bench -- NAME: measurements of tslaunch beside QEMU, taken in turns in one run.
import { FixtureError, runMain } from '../fixtures/support/errors.ts';
import { benchBlock } from './block.ts';
import { benchBoot } from './boot.ts';
import { benchExits } from './exits.ts';
import { inLab } from './lib/lab.ts';
import { benchNet } from './net.ts';
import { type BenchOptions, parseOptions, USAGE } from './options.ts';
import { benchStart } from './start.ts';

const BENCHMARKS: Record<string, (options: BenchOptions) => Promise<void>> = {
  start: benchStart,
  boot: benchBoot,
  exits: benchExits,
  block: benchBlock,
  net: benchNet,
};

async function main(argv: string[]): Promise<number> {
  const options = argv.length ? parseOptions(argv) : 'help';
  if (options === 'help') {
    process.stdout.write(USAGE);
    return argv.length ? 0 : 2;
  }
  const bench = BENCHMARKS[options.name];
  if (!bench)
    throw new FixtureError(`There is no benchmark ${options.name}; there are ${Object.keys(BENCHMARKS).join(', ')}.`);
  if (options.lab && !options.here) return inLab(argv);
  await bench(options);
  return 0;
}

await runMain(() => main(process.argv.slice(2)));
