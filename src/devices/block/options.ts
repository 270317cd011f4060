/**
 * `--block FILE[,ro][,serial=S][,format=F][,cache=C][,discard=on|off][,queues=N][,backing=on|off][,queue-size=N]`: one disk on the
 * command line. A comma that belongs to the file's name is written twice.
 */
import { isPowerOfTwo } from '../../base/bits.ts';
import { UsageError } from '../../base/errors.ts';
import { fileOf, type OptionList, parseOptionList, serialOf } from '../option-list.ts';
import { ID_BYTES } from './request.ts';

/** What of the file's bytes are the disk's. */
export const FORMATS = ['raw', 'qcow2'] as const;
export type ImageFormat = (typeof FORMATS)[number];

/**
 * When a write is acknowledged, and where it has got to by then: `writeback` into the host's page cache, from where a flush makes it
 * durable; `writethrough` onto the medium; `none` past the page cache to the disk, whose own cache a flush empties.
 */
export const CACHE_MODES = ['writeback', 'writethrough', 'none'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

/** Most virtqueues of one disk: as many as there can be vCPUs. */
export const MAX_DISK_QUEUES = 32;

export interface BlockOption {
  readonly file: string;
  readonly readOnly: boolean;
  /** At most 20 printable ASCII characters, if given. */
  readonly serial?: string;
  /** Found out by the file's first bytes unless given. */
  readonly format?: ImageFormat;
  readonly cache: CacheMode;
  /** Whether what the guest discards, or zeroes, becomes a hole. */
  readonly discard: boolean;
  /** Virtqueues, 1 to {@link MAX_DISK_QUEUES}. */
  readonly queues: number;
  /** Whether a file that the image names as its base may be opened. */
  readonly backing: boolean;
  /** Greatest size of a virtqueue, a power of two from 4 to 1024, if given. */
  readonly queueSize?: number;
}

const KEYS = ['ro', 'serial', 'format', 'cache', 'discard', 'queues', 'backing', 'queue-size'];

/** Throws UsageError, one sentence and a remedy, for whatever is wrong. Does not look at the file. */
export function parseBlockOption(text: string): BlockOption {
  const list = parseOptionList('--block', text, KEYS);
  const file = fileOf('--block', list, '--block FILE[,ro][,serial=S]');
  const { entries } = list;
  if (entries.get('ro') !== undefined) throw new UsageError('--block takes "ro" without a value.', 'Write FILE,ro.');
  return {
    file,
    readOnly: entries.has('ro'),
    ...(entries.has('serial') ? { serial: serialOf('--block', list, ID_BYTES) } : {}),
    ...(entries.has('format') ? { format: oneOf(entries, 'format', FORMATS) } : {}),
    cache: entries.has('cache') ? oneOf(entries, 'cache', CACHE_MODES) : 'writeback',
    discard: !entries.has('discard') || oneOf(entries, 'discard', ON_OFF) === 'on',
    queues: entries.has('queues') ? queuesOf(entries.get('queues')) : 1,
    backing: entries.has('backing') && oneOf(entries, 'backing', ON_OFF) === 'on',
    ...(entries.has('queue-size') ? { queueSize: queueSizeOf(entries.get('queue-size')) } : {}),
  };
}

const ON_OFF = ['on', 'off'] as const;

/** The value of `key`, which is one of these words. */
function oneOf<T extends string>(entries: OptionList['entries'], key: string, words: readonly T[]): T {
  const value = entries.get(key);
  const word = words.find(each => each === value);
  if (word !== undefined) return word;
  throw new UsageError(
    `--block takes "${key}" as one of ${words.join(', ')}${value ? `, not "${value}"` : ''}.`,
    `Write FILE,${key}=${words[0]}.`,
  );
}

function queuesOf(value: string | undefined): number {
  const queues = numberOf(value);
  if (queues >= 1 && queues <= MAX_DISK_QUEUES) return queues;
  throw new UsageError(
    `--block queues "${value ?? ''}" is not a number of queues.`,
    `Use 1 to ${MAX_DISK_QUEUES}; more than the guest has CPUs are of no use.`,
  );
}

function queueSizeOf(value: string | undefined): number {
  const size = numberOf(value);
  if (isPowerOfTwo(size) && size >= 4 && size <= 1024) return size;
  throw new UsageError(
    `--block queue-size "${value ?? ''}" is not a queue size.`,
    'Use a power of two from 4 to 1024.',
  );
}

function numberOf(value: string | undefined): number {
  return /^\d{1,6}$/.test(value ?? '') ? Number(value) : Number.NaN;
}
