/** `--cdrom FILE[,serial=S]`: one CD-ROM drive on the command line, with the medium in it. */
import { fileOf, parseOptionList, serialOf } from '../option-list.ts';

export interface CdromOption {
  readonly file: string;
  /** At most 20 printable ASCII characters, if given. */
  readonly serial?: string;
}

const KEYS = ['serial'];
const MOST_SERIAL = 20;

/** Throws UsageError, one sentence and a remedy, for whatever is wrong. Does not look at the file. */
export function parseCdromOption(text: string): CdromOption {
  const list = parseOptionList('--cdrom', text, KEYS);
  const file = fileOf('--cdrom', list, '--cdrom FILE[,serial=S]');
  return { file, ...(list.entries.has('serial') ? { serial: serialOf('--cdrom', list, MOST_SERIAL) } : {}) };
}
