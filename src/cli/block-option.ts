/** The value of `--block`: a file, and how to use it. */
import { UsageError } from '../base/errors.ts';
import type { BlockOptions } from '../machine/config.ts';

/** `FILE` or `FILE,readonly`. Throws UsageError. */
export function parseBlockOption(text: string): BlockOptions {
  const [path, ...flags] = text.split(',');
  const wrong = flags.find(flag => flag !== 'readonly');
  if (wrong !== undefined)
    throw new UsageError(`--block ${text}: unknown flag '${wrong}'.`, 'The only flag is readonly.');
  if (!path) throw new UsageError(`--block ${text} names no file.`, 'Write --block FILE.');
  return { path, readOnly: flags.length > 0 };
}
