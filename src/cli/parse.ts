/** What a command line asks for. Pure: the same words in the same environment always mean the same. */
import { UsageError } from '../base/errors.ts';
import type { MachineConfig } from '../machine/config.ts';
import { configure, type Environment } from './configure.ts';
import { OPTIONS } from './options.ts';
import { splitWords, type Words } from './words.ts';

export type Command =
  | { readonly kind: 'run'; readonly config: MachineConfig }
  | { readonly kind: 'doctor'; readonly json: boolean }
  /** Has options of its own, which are looked at when it runs. */
  | { readonly kind: 'image'; readonly words: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  /** Turned into an error by whoever can look for a suggestion; kept out of here so that a good command need not load that. */
  | { readonly kind: 'unknown'; readonly word: string };

/** Throws UsageError with the first mistake. */
export function parse(argv: readonly string[], environment: Environment): Command {
  if (argv[0] === 'image') return { kind: 'image', words: argv.slice(1) };
  const words = splitWords(argv);
  if (words.options.has('help')) return { kind: 'help' };
  if (words.options.has('version')) return { kind: 'version' };
  if (words.unknown !== undefined) return { kind: 'unknown', word: words.unknown };
  const command = words.operands[0] === 'doctor' ? 'doctor' : 'run';
  refuseForeign(words, command);
  if (command === 'run') return { kind: 'run', config: configure(words, environment) };
  if (words.operands.length > 1)
    throw new UsageError(`tslaunch doctor takes no argument '${words.operands[1]}'.`, 'Write tslaunch doctor alone.');
  return { kind: 'doctor', json: words.options.has('json') };
}

/** An option of one subcommand means nothing to another. */
function refuseForeign(words: Words, command: 'run' | 'doctor'): void {
  const owner = (of: string | undefined) => of ?? 'run';
  const foreign = OPTIONS.find(row => words.options.has(row.name) && row.of !== 'any' && owner(row.of) !== command);
  if (!foreign) return;
  if (command === 'run')
    throw new UsageError(`--${foreign.name} only goes with tslaunch ${owner(foreign.of)}.`, 'Leave it out.');
  throw new UsageError(`--${foreign.name} does not go with tslaunch ${command}.`, 'Leave it out.');
}
