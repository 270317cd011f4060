/** Why a file cannot be a disk: one sentence and one remedy for each reason that `open` or `stat` gives. */
import type { Stats } from 'node:fs';
import { TslaunchError, UsageError } from '../../base/errors.ts';

const REASONS: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'Check the path, or make an image with `truncate -s 1G FILE`.'],
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
export function openFailure(path: string, readOnly: boolean, error: unknown): Error {
  if (error instanceof TslaunchError) return error;
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  const reason = (readOnly ? READ_REASONS : WRITE_REASONS)[code] ?? REASONS[code];
  const [what, remedy] = reason ?? [`cannot be opened (${code})`, 'Check the path and its permissions.'];
  return new UsageError(`Block image ${path} ${what}.`, remedy, { cause: error });
}

/** The sentence for a file that exists and is not a disk. */
export function wrongKind(path: string, stats: Stats): UsageError {
  const kind = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO()
      ? 'a pipe'
      : stats.isSocket()
        ? 'a socket'
        : 'a character device';
  return new UsageError(`Block image ${path} is ${kind}.`, 'Name a regular file or a block device.');
}
