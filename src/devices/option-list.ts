/**
 * Device options are comma lists, `VALUE[,flag][,key=value]...`, as on other launchers. A comma inside a value is written
 * twice. The helpers here split and check; what a key means is the device's own affair.
 */
import { closestMatch } from 'leven';
import { UsageError } from '../base/errors.ts';

/** Edits after which a word is no longer taken for a slip of the fingers. */
const MAX_EDITS = 2;

export interface OptionList {
  /** What stands before the first comma. */
  readonly head: string;
  /** Key to value in order; a key without `=` maps to undefined. */
  readonly entries: ReadonlyMap<string, string | undefined>;
}

/**
 * Splits `text` and checks its keys against `known`. `option` is the option's name for messages, for example `--block`.
 * Throws UsageError for an empty list, an unknown key (with the nearest known one) and a key given twice.
 */
export function parseOptionList(option: string, text: string, known: readonly string[]): OptionList {
  const [head, ...rest] = splitCommas(text);
  const entries = new Map<string, string | undefined>();
  for (const part of rest) {
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    if (!known.includes(key)) throw unknownKey(option, key, known);
    if (entries.has(key)) throw new UsageError(`${option} ${text} gives ${key} twice.`, 'Give it once.');
    entries.set(key, equals < 0 ? undefined : part.slice(equals + 1));
  }
  return { head: head ?? '', entries };
}

function unknownKey(option: string, key: string, known: readonly string[]): UsageError {
  const near = nearest(key, known);
  const remedy =
    near === undefined
      ? `It knows ${known.join(', ')}; a comma in a file name is written twice.`
      : `Did you mean ${near}?`;
  return new UsageError(`${option} does not know "${key}".`, remedy);
}

/** The known word that was probably meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  return closestMatch(word.toLowerCase(), [...known], { maxDistance: MAX_EDITS });
}

/** The file that an option begins with. `usage` is how the option is written. */
export function fileOf(option: string, { head }: OptionList, usage: string): string {
  if (head === '') throw new UsageError(`${option} names no file.`, `Write ${usage}.`);
  if (head.includes('\0')) throw new UsageError(`${option} names a file with a zero byte in it.`, 'Name another file.');
  return head;
}

/** The value of `serial`, of at most `most` characters. */
export function serialOf(option: string, { entries }: OptionList, most: number): string {
  const value = entries.get('serial');
  if (value !== undefined && /^[\x21-\x7e]+$/.test(value) && value.length <= most) return value;
  throw new UsageError(
    `${option} serial "${value ?? ''}" is not a serial number.`,
    `Use 1 to ${most} printable ASCII characters without blanks.`,
  );
}

/** Splits at single commas; a double one stands for a comma. */
function splitCommas(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== ',') part += text[i];
    else if (text[i + 1] === ',') {
      part += ',';
      i++;
    } else {
      parts.push(part);
      part = '';
    }
  }
  return [...parts, part];
}
