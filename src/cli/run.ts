/**
 * Runs a guest on this terminal, from configuration to exit status. A guest that ends by itself decides the status; one that is
 * ended from outside leaves the one a shell expects of a process that a signal ended.
 */
import { constants } from 'node:os';
import { log } from '../base/log.ts';
import type { MachineConfig } from '../machine/config.ts';
import { defaultConsole } from '../machine/default-console.ts';
import { Machine } from '../machine/machine.ts';
import { addStatistics, noStatistics } from '../machine/statistics.ts';
import { countersText, statisticsText } from '../machine/statistics-text.ts';
import { leave } from './leave.ts';
import { type EndingSignal, Terminal } from './terminal.ts';

/** What a shell adds to the number of the signal that ended a process. */
const SIGNAL_STATUS = 128;

/** Throws what the machine throws; the terminal is as it was either way. */
export async function run(given: MachineConfig): Promise<number> {
  log.setVerbose(given.verbose);
  const machine = new Machine(withConsole(given));
  let ending: EndingSignal | undefined;
  const end = (signal: EndingSignal) => {
    // Whoever asks twice does not want to wait for disks: leave at once, the terminal is put back on the way.
    if (ending) return leave(SIGNAL_STATUS + constants.signals[signal]);
    log.narrate('tslaunch', `${signal} ends the guest`);
    ending = signal;
    machine.stop();
  };
  const terminal = new Terminal({ onInterrupt: () => end('SIGINT'), onSignal: end });
  try {
    const { reason, status } = await machine.run(terminal);
    return ending && reason === 'stopped' ? SIGNAL_STATUS + constants.signals[ending] : status;
  } finally {
    await terminal.close();
    if (given.observation?.statistics && machine.statistics.length > 0) printStatistics(machine);
  }
}

function printStatistics({ statistics, counters }: Machine): void {
  const sum = noStatistics();
  for (const each of statistics) addStatistics(sum, each);
  process.stderr.write(`${[...statisticsText(sum, statistics), ...countersText(counters)].join('\n')}\n`);
}

function withConsole(config: MachineConfig): MachineConfig {
  const added = defaultConsole(config.commandLine);
  if (added.length > 0) log.narrate('kernel', `no console is named, so the guest gets ${added.join(' ')}`);
  return { ...config, commandLine: [...added, ...config.commandLine] };
}
