/**
 * From an argument vector to named values and operands, as GNU getopt permutes them: options may stand anywhere before `--`.
 * Node's own tokenizer does the splitting, because it guesses nothing (a kernel argument `true` stays one) and costs no
 * start-up time; loading yargs takes half as long again as starting Node, so it only makes the help text.
 */
import { parseArgs } from 'node:util';
import { UsageError } from '../base/errors.ts';
import { OPTIONS, type OptionRow } from './options.ts';

/** What the words of a command line are; the values are unchecked. */
export interface Words {
  /** Values in the order given; a switch that is on has an empty list. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  /** Everything that is no option and no option's value, the first `--` taken out. */
  readonly operands: readonly string[];
  /** The first word that looks like an option and is none, as it was written. */
  readonly unknown: string | undefined;
}

const TOKENIZER = Object.fromEntries(
  OPTIONS.map(row => [
    row.name,
    {
      type: row.value === undefined ? 'boolean' : 'string',
      multiple: true,
      ...(row.short ? { short: row.short } : {}),
    },
  ]),
) as Record<string, { type: 'boolean' | 'string'; multiple: true; short?: string }>;

/** Throws UsageError for an option without its value, with one too many, or given too often. */
export function splitWords(argv: readonly string[]): Words {
  const { tokens } = parseArgs({
    args: [...argv],
    options: TOKENIZER,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  let unknown: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    // A negative number is a mistaken operand; the tokenizer takes it for a group of letters, one token each.
    if (/^-\d/.test(argv[token.index] ?? '')) {
      if (tokens[tokens.indexOf(token) - 1]?.index !== token.index) operands.push(argv[token.index] ?? '');
      continue;
    }
    const row = OPTIONS.find(each => each.name === token.name);
    if (!row) {
      unknown ??= argv[token.index]?.split('=', 1)[0] ?? token.rawName;
      continue;
    }
    const values = options.get(row.name) ?? [];
    if (row.value === undefined) refuseValue(row, token.value);
    else values.push(requireValue(row, token.value, token.inlineValue === true));
    if (values.length > 1 && !row.repeatable) throw new UsageError(`--${row.name} is given twice.`, 'Give it once.');
    options.set(row.name, values);
  }
  return { options, operands, unknown };
}

function refuseValue(row: OptionRow, value: string | undefined): void {
  if (value === undefined) return;
  throw new UsageError(`--${row.name} takes no value.`, `Write --${row.name} alone, or leave it out.`);
}

/** A following word that begins with a dash is more often a forgotten value than one; `--name=-value` says it is meant. */
function requireValue(row: OptionRow, value: string | undefined, inline: boolean): string {
  if (value && (inline || !value.startsWith('-') || value === '-')) return value;
  throw new UsageError(`--${row.name} needs a value.`, `Write --${row.name} ${row.value}.`);
}
