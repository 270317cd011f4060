/** Why a file cannot be a disk: one sentence and one remedy for each reason that `open` or `stat` gives. */
import type { Stats } from 'node:fs';
import { TslaunchError, UsageError } from '../../base/errors.ts';

/** What an image is for, as messages call it, and how one comes by one. */
export interface ImageKind {
  readonly noun: string;
  readonly missing: string;
}
export const BLOCK_IMAGE: ImageKind = {
  noun: 'Block image',
  missing: 'Check the path, or make an image with `truncate -s 1G FILE`.',
};
export const CDROM_IMAGE: ImageKind = {
  noun: 'CD-ROM image',
  missing: 'Check the path, or make an image with `genisoimage -R -o FILE DIRECTORY`.',
};

const REASONS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOTDIR: ['does not exist', 'Check the path: a part of it is not a directory.'],
  EISDIR: ['is a directory', 'Name a disk image or a block device.'],
  ENAMETOOLONG: ['has too long a name', 'Check the path.'],
  ELOOP: ['is a symbolic link that leads nowhere', 'Check the path.'],
  ENXIO: ['is a device that is not there', 'Check the path.'],
  ENOMEDIUM: ['has no medium in it', 'Insert one, or name another device.'],
  EMFILE: ['cannot be opened: too many open files', 'Raise the limit with `ulimit -n`.'],
};
/** Reasons that depend on whether the guest may write. */
const WRITE_REASONS: typeof REASONS = {
  EACCES: ['cannot be opened for reading and writing: permission denied', 'Change its permissions, or append ",ro".'],
  EPERM: ['cannot be opened for writing: operation not permitted', 'Append ",ro", or clear its immutable attribute.'],
  EROFS: ['is on a read-only file system', 'Append ",ro".'],
  ETXTBSY: ['is a program that is running', 'Name a disk image.'],
};
const READ_REASONS: typeof REASONS = {
  EACCES: ['cannot be read: permission denied', 'Change its permissions.'],
};

/** Turns an error of stat or open into a UsageError; errors that are sentences already pass through. */
export function openFailure(path: string, readOnly: boolean, error: unknown, kind = BLOCK_IMAGE): Error {
  if (error instanceof TslaunchError) return error;
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new UsageError(`${kind.noun} ${path} does not exist.`, kind.missing, { cause: error });
  const reason = (readOnly ? READ_REASONS : WRITE_REASONS)[code] ?? REASONS[code];
  const [what, remedy] = reason ?? [`cannot be opened (${code})`, 'Check the path and its permissions.'];
  return new UsageError(`${kind.noun} ${path} ${what}.`, remedy, { cause: error });
}

/** The sentence for a file that exists and is not a disk. */
export function wrongKind(path: string, stats: Stats, { noun } = BLOCK_IMAGE): UsageError {
  const kind = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO()
      ? 'a pipe'
      : stats.isSocket()
        ? 'a socket'
        : 'a character device';
  return new UsageError(`${noun} ${path} is ${kind}.`, 'Name a regular file or a block device.');
}
