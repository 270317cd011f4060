// Memory is measured in runs of its own, because looking at it takes time that would be counted as the launcher's.
import type { Launcher } from '../../fixtures/guests/launchers.ts';
import { type Measurements, record } from './comparison.ts';
import { type LaunchOptions, launch } from './launch.ts';

/** Adds the peak memory beyond guest RAM, in MiB, of `rounds` runs of each contender. `memory` is the guest's, in MiB. */
export async function addMemory(
  all: Measurements<Launcher>,
  names: readonly Launcher[],
  command: (name: Launcher) => string[],
  memory: number,
  options: LaunchOptions,
  rounds = 3,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const run = await launch(command(name), { ...options, sampleMemory: { guestBytes: memory << 20 } });
      if (run.memory !== undefined) record(all, name, { 'beyond guest RAM (MiB)': run.memory / (1 << 20) });
    }
  }
}
