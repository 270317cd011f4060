/**
 * A kernel or initrd on the host, opened once: it is read again at every reboot, which must still work after the launcher has
 * changed its root directory or its user.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { UsageError } from '../base/errors.ts';
import type { KernelSource } from '../boot/source.ts';

const SENTENCES: Readonly<Record<string, (what: string, path: string) => UsageError>> = {
  ENOENT: (what, path) => new UsageError(`There is no ${what} ${path}.`, 'Check the path.'),
  EACCES: (what, path) =>
    new UsageError(`The ${what} ${path} may not be read by this user.`, 'Change its permissions.'),
  ENOTDIR: (what, path) =>
    new UsageError(`There is no ${what} ${path}: a part of its path is not a directory.`, 'Check the path.'),
};

export class KernelFile implements KernelSource {
  readonly path: string;
  readonly size: number;
  readonly #fd: number;

  /** `what` is `kernel` or `initrd`, for the sentence. Throws UsageError. */
  constructor(what: string, path: string) {
    this.path = path;
    try {
      // Opening a named pipe would wait for a writer, deaf to signals.
      this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      const { code = 'unknown error' } = error as NodeJS.ErrnoException;
      throw SENTENCES[code]?.(what, path) ?? new UsageError(`The ${what} ${path} cannot be opened (${code}).`);
    }
    const stat = fstatSync(this.#fd);
    if (!stat.isFile()) {
      this.close();
      const kind = stat.isDirectory() ? 'a directory' : 'not a regular file';
      throw new UsageError(`The ${what} ${path} is ${kind}.`, `Name the ${what}'s file.`);
    }
    this.size = stat.size;
  }

  readInto(offset: number, target: Uint8Array): number {
    return readSync(this.#fd, target, 0, target.length, offset);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
