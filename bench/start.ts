// bench start: from exec to the first byte a guest says, with a guest that does next to nothing first. What is left is the
// launcher's own start, firmware included where a launcher runs some.
import { buildGuest } from '../fixtures/guests/build.ts';
import { commandLine, type Launcher } from '../fixtures/guests/launchers.ts';
import { report, takeTurns } from './lib/comparison.ts';
import { contenders } from './lib/contenders.ts';
import { launch } from './lib/launch.ts';
import { addMemory } from './lib/overhead.ts';
import type { BenchOptions } from './options.ts';

export async function benchStart(options: BenchOptions): Promise<void> {
  const elf = options.kernel ?? (await buildGuest('hello'));
  const memory = options.memory ?? 64;
  const until = options.until ?? 'hello';
  const names: Launcher[] = contenders(['qemu-microvm', 'qemu-q35'], options.only);
  const command = (name: (typeof names)[number]) =>
    commandLine(name, elf, { memory, cpus: options.cpus ?? 1, arguments: options.arguments });
  const all = await takeTurns(names, options.samples, async name => {
    const run = await launch(command(name), { until });
    return { 'exec to guest (ms)': run.until!, 'exec to exit (ms)': run.end };
  });
  await addMemory(all, names, command, memory, { until });
  process.stdout.write(report(all, names));
}
