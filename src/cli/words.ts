/**
 * From an argument vector to named values and operands, as GNU getopt permutes them: options may stand anywhere before `--`. The
 * splitting is done by yargs' own parser, told to guess nothing (a kernel argument `true` stays one); the rest of yargs, which
 * takes ten times as long to load, lays out the help text.
 */
import parser from 'yargs-parser';
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

const SWITCHES = OPTIONS.filter(row => row.value === undefined);
const VALUED = OPTIONS.filter(row => row.value !== undefined);
const names = (rows: readonly OptionRow[]) => rows.map(row => row.name);

const RULES: parser.Options = {
  boolean: names(SWITCHES),
  string: names(VALUED),
  alias: Object.fromEntries(OPTIONS.flatMap(row => (row.short ? [[row.name, [row.short]]] : []))),
  narg: Object.fromEntries(OPTIONS.map(row => [row.name, row.value === undefined ? 0 : 1])),
  configuration: {
    'boolean-negation': false,
    'camel-case-expansion': false,
    'dot-notation': false,
    'greedy-arrays': false,
    'parse-numbers': false,
    'parse-positional-numbers': false,
    'populate--': true,
    'strip-aliased': true,
    'unknown-options-as-args': true,
  },
};

/** A negative number is a mistaken operand, not a group of one-letter options: it is hidden behind this until after the split. */
const NEGATIVE = '\0';

/** `--trace` alone stands for `--trace=all`, and does not take the word that follows. */
function withDefault(word: string): string {
  const row = OPTIONS.find(each => each.without !== undefined && word === `--${each.name}`);
  return row ? `${word}=${row.without}` : word;
}

/** Throws UsageError for an option without its value, with one too many, or given too often. */
export function splitWords(argv: readonly string[]): Words {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const before = argv.slice(0, end).map(word => withDefault(/^-\d/.test(word) ? NEGATIVE + word : word));
  const { argv: found, error } = parser.detailed([...before, ...argv.slice(end)], RULES);
  if (error) throw misuse(error.message);
  const options = new Map<string, string[]>();
  for (const row of OPTIONS) {
    if (!Object.hasOwn(found, row.name)) continue;
    const values = row.value === undefined ? [] : ([found[row.name]].flat() as string[]);
    for (const value of values) requireValue(row, value, before);
    if (values.length > 1 && !row.repeatable) throw new UsageError(`--${row.name} is given twice.`, 'Give it once.');
    options.set(row.name, values);
  }
  const words = found._.map(String);
  const unknown = words.find(word => /^-./.test(word))?.split('=', 1)[0];
  const plain = (word: string) => (word.startsWith(NEGATIVE) ? word.slice(1) : word);
  return { options, operands: [...words.map(plain), ...(found['--'] ?? []).map(String)], unknown };
}

/** The parser names the option at the end of its message: "Not enough arguments following: block". */
function misuse(message: string): UsageError {
  const row = OPTIONS.find(each => message.endsWith(`: ${each.name}`) || message.endsWith(`: ${each.short}`));
  if (!row) return new UsageError(`${message}.`, 'See tslaunch --help.');
  return row.value === undefined
    ? new UsageError(`--${row.name} takes no value.`, `Write --${row.name} alone, or leave it out.`)
    : new UsageError(`--${row.name} needs a value.`, `Write --${row.name} ${row.value}.`);
}

/** A following word that begins with a dash is more often a forgotten value than one; `--name=-value` says it is meant. */
function requireValue(row: OptionRow, value: string, words: readonly string[]): void {
  const inline = words.includes(`--${row.name}=${value}`);
  if (value && (inline || !value.startsWith('-') || value === '-')) return;
  throw new UsageError(`--${row.name} needs a value.`, `Write --${row.name} ${row.value}.`);
}
