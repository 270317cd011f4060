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
  const near = closestMatch(key.toLowerCase(), [...known], { maxDistance: MAX_EDITS });
  const remedy =
    near === undefined
      ? `It knows ${known.join(', ')}; a comma in a file name is written twice.`
      : `Did you mean ${near}?`;
  return new UsageError(`${option} does not know "${key}".`, remedy);
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
