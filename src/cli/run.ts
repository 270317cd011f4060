/**
 * Runs a guest on this terminal, from configuration to exit status. Three ^C within a second, or a signal, end the guest; the
 * terminal is given back before anything is said about how it ended.
 */
import { constants } from 'node:os';
import { log } from '../base/log.ts';
import type { MachineConfig } from '../machine/config.ts';
import { Machine } from '../machine/machine.ts';
import { type EndingSignal, Terminal } from './terminal.ts';

/** What a shell reports for a process that a signal ended: 128 and its number. */
function signalStatus(signal: EndingSignal): number {
  return 128 + constants.signals[signal];
}

export async function run(config: MachineConfig): Promise<number> {
  log.setVerbose(config.verbose);
  let stoppedBy: EndingSignal | undefined;
  const machine = new Machine(config);
  const stop = (signal: EndingSignal) => {
    stoppedBy ??= signal;
    machine.stop();
  };
  // Loaded and checked before the terminal is touched: a refusal leaves it alone.
  const terminal = new Terminal({ onInterrupt: () => stop('SIGINT'), onSignal: stop });
  try {
    const end = await machine.run(terminal);
    return stoppedBy === undefined ? end.status : signalStatus(stoppedBy);
  } finally {
    await terminal.close();
  }
}
