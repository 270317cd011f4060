/** Runs a guest on this terminal, from configuration to exit status. */
import { HostError } from '../base/errors.ts';
import { log } from '../base/log.ts';
import type { MachineConfig } from '../machine/config.ts';

export async function run(config: MachineConfig): Promise<number> {
  log.setVerbose(config.verbose);
  log.narrate('kernel', `arguments ${config.commandLine.join(' ')}`);
  throw new HostError('This version cannot run guests yet.');
}
