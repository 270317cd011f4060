/** `--cdrom FILE[,serial=S]`: one CD-ROM drive on the command line, with the medium in it. */
import { UsageError } from '../../base/errors.ts';
import { parseOptionList } from '../option-list.ts';

export interface CdromOption {
  readonly file: string;
  /** At most 20 printable ASCII characters, if given. */
  readonly serial?: string;
}

const KEYS = ['serial'];
const MOST_SERIAL = 20;

/** Throws UsageError, one sentence and a remedy, for whatever is wrong. Does not look at the file. */
export function parseCdromOption(text: string): CdromOption {
  const { head: file, entries } = parseOptionList('--cdrom', text, KEYS);
  if (file === '') throw new UsageError('--cdrom names no file.', 'Write --cdrom FILE[,serial=S].');
  if (file.includes('\0')) throw new UsageError('--cdrom names a file with a zero byte in it.', 'Name another file.');
  return { file, ...(entries.has('serial') ? { serial: serialOf(entries.get('serial')) } : {}) };
}

function serialOf(value: string | undefined): string {
  if (value !== undefined && /^[\x21-\x7e]+$/.test(value) && value.length <= MOST_SERIAL) return value;
  throw new UsageError(
    `--cdrom serial "${value ?? ''}" is not a serial number.`,
    `Use 1 to ${MOST_SERIAL} printable ASCII characters without blanks.`,
  );
}
