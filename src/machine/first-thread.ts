/**
 * The first vCPU's thread, started before anything else is known: loading a thread takes about as long as reading the command line,
 * opening files and loading the kernel together, so both happen at once. Imports next to nothing, for the same reason.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { VcpuReport } from './blueprint.ts';

/** A thread and what it says of itself. Listened for from the start, as each may come early. */
export interface StartedThread {
  readonly worker: Worker;
  /** Its first words: `ready`, once its code is loaded. Rejects when it ends without. */
  readonly ready: Promise<VcpuReport>;
  /** Resolves when it has ended; to what ended it, if that was an exception. */
  readonly gone: Promise<Error | undefined>;
}

/** A thread starts as the program does, which knows the bundle that is for threads. It says nothing on standard output or error by itself. */
function startThread(): StartedThread {
  const worker = new Worker(join(import.meta.dirname, '../bin/tslaunch.js'), { stdout: true, stderr: true });
  const gone = new Promise<Error | undefined>(resolve => {
    worker.once('error', resolve);
    worker.once('exit', () => resolve(undefined));
  });
  const ready = new Promise<VcpuReport>((resolve, reject) => {
    worker.once('message', resolve);
    void gone.then(error => reject(error ?? new Error('it ended')));
  });
  // Whoever starts a vCPU awaits it; until then a failure must not count as unhandled.
  loading = Promise.all([loading, ready.catch(() => {})]);
  return { worker, ready, gone };
}

let first: StartedThread | undefined;
/** Settles when all threads that were started so far are loaded, or have failed. */
let loading: Promise<unknown> = Promise.resolve();

/** Starts a thread for whoever calls {@link takeThread} next. It does not keep the process if nobody does. */
export function startFirstThread(): void {
  first = startThread();
  first.worker.unref();
}

/** The thread started ahead, or a new one. */
export function takeThread(): StartedThread {
  const thread = first ?? startThread();
  first = undefined;
  thread.worker.ref();
  return thread;
}

/**
 * Resolves when no thread is loading. Neither a thread nor the process may be ended before: an exception in the middle of koffi's
 * loading is fatal (napi_throw), so it would be an abort in place of an exit status.
 */
export async function threadsLoaded(): Promise<void> {
  first?.worker.ref();
  await loading;
}
