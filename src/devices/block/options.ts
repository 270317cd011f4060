/**
 * `--block FILE[,ro][,serial=S][,queue-size=N]`: one disk on the command line. A comma that belongs to the file's name is
 * written twice.
 */
import { isPowerOfTwo } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { parseOptionList } from '../option-list.ts';
import { ID_BYTES } from './request.ts';

export interface BlockOption {
  readonly file: string;
  readonly readOnly: boolean;
  /** At most 20 printable ASCII characters, if given. */
  readonly serial?: string;
  /** Greatest size of the virtqueue, a power of two from 4 to 1024, if given. */
  readonly queueSize?: number;
}

const KEYS = ['ro', 'serial', 'queue-size'];

/** Throws UsageError, one sentence and a remedy, for whatever is wrong. Does not look at the file. */
export function parseBlockOption(text: string): BlockOption {
  const { head: file, entries } = parseOptionList('--block', text, KEYS);
  if (file === '') throw new UsageError('--block names no file.', 'Write --block FILE[,ro][,serial=S].');
  if (file.includes('\0')) throw new UsageError('--block names a file with a zero byte in it.', 'Name another file.');
  if (entries.get('ro') !== undefined) throw new UsageError('--block takes "ro" without a value.', 'Write FILE,ro.');
  return {
    file,
    readOnly: entries.has('ro'),
    ...(entries.has('serial') ? { serial: serialOf(entries.get('serial')) } : {}),
    ...(entries.has('queue-size') ? { queueSize: queueSizeOf(entries.get('queue-size')) } : {}),
  };
}

function serialOf(value: string | undefined): string {
  if (value !== undefined && /^[\x21-\x7e]+$/.test(value) && value.length <= ID_BYTES) return value;
  throw new UsageError(
    `--block serial "${value ?? ''}" is not a serial number.`,
    `Use 1 to ${ID_BYTES} printable ASCII characters without blanks.`,
  );
}

function queueSizeOf(value: string | undefined): number {
  const size = /^\d+$/.test(value ?? '') ? Number(value) : Number.NaN;
  if (isPowerOfTwo(size) && size >= 4 && size <= 1024) return size;
  throw new UsageError(
    `--block queue-size "${value ?? ''}" is not a queue size.`,
    'Use a power of two from 4 to 1024.',
  );
}
