/** Makes a new image's file: never over one that is there, and nothing is left behind if it cannot be finished. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { HostError, UsageError } from '../../base/errors.ts';

/** `fill` gives the empty file its content, which is then made durable. Throws UsageError or HostError, one sentence. */
export async function createFile(path: string, fill: (file: FileHandle) => Promise<unknown>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'wx');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new UsageError(`${path} is there already.`, 'Remove it first, or take another name.');
    throw failure(path, error);
  }
  try {
    await fill(file);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw failure(path, error);
  } finally {
    await file.close();
  }
}

function failure(path: string, error: unknown): HostError {
  const { code = 'unknown', syscall = 'open' } = error as NodeJS.ErrnoException;
  return new HostError(`${path} cannot be made (${code}).`, 'Check the path, its permissions and the space.', {
    syscall,
    errno: code,
    cause: error,
  });
}
