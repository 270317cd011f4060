/**
 * The program: reads the command line, does what it asks, and turns every way to fail into a sentence and an exit status.
 * Only what a well-formed run needs is imported here; the rest loads when it is asked for.
 */
import { totalmem } from 'node:os';
import { describeError, TslaunchError, UsageError } from '../base/errors.ts';
import { startFirstThread } from '../machine/first-thread.ts';
import { leave } from './leave.ts';
import { type Command, parse } from './parse.ts';

/** Runs one command line to its end and returns the exit status. Throws what goes wrong. */
async function obey(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      process.stdout.write(await (await import('./help.ts')).helpText());
      return 0;
    case 'version':
      process.stdout.write(await (await import('./version.ts')).versionText());
      return 0;
    case 'unknown':
      throw (await import('./suggest.ts')).unknownOption(command.word);
    case 'doctor':
      return (await import('./doctor/doctor.ts')).doctor(command.json);
    case 'image':
      return (await import('./image/command.ts')).image(command.words);
    case 'run':
      return (await import('./run.ts')).run(command.config);
  }
}

/** One sentence on stderr; where it came from only for those who asked (or when it is our own mistake and so unexplained). */
function report(error: unknown, verbose: boolean): number {
  const known = error instanceof TslaunchError;
  const sentence = known || !(error instanceof Error) ? describeError(error) : `Internal error: ${error.message}`;
  process.stderr.write(`tslaunch: ${sentence}\n`);
  if (verbose && !(error instanceof UsageError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return known ? error.exitStatus : 1;
}

const argv = process.argv.slice(2);
// Most command lines run a guest: memory, kernel and more. Those that turn out not to lose nothing but idle time.
if (argv.length >= 2 && argv[0] !== 'image') startFirstThread();
// Whoever reads our output may stop reading, as `head` does: that is no reason for a stack trace.
process.stdout.on('error', () => leave(1));

let verbose = argv.includes('--verbose') || argv.includes('-v');
process.on('uncaughtException', error => leave(report(error, verbose)));

async function main(): Promise<number> {
  try {
    const command = parse(argv, { hostMemory: totalmem(), cwd: process.cwd() });
    verbose = command.kind === 'run' && command.config.verbose;
    return await obey(command);
  } catch (error) {
    return report(error, verbose);
  }
}

void main().then(leave);
