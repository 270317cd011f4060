/**
 * The first vCPU's thread, started before anything else is known: loading a thread takes about as long as reading the command line,
 * opening files and loading the kernel together, so both happen at once. Imports next to nothing, for the same reason.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { VcpuReport } from './blueprint.ts';

/** A thread, and its first words: `ready`, once its code is loaded. Listened for from the start, as they may come early. */
export interface StartedThread {
  readonly worker: Worker;
  readonly ready: Promise<VcpuReport>;
}

/** The bundle puts the program and its threads into one directory. A thread says nothing on standard output or error by itself. */
function startThread(): StartedThread {
  const worker = new Worker(join(import.meta.dirname, 'vcpu-worker.js'), { stdout: true, stderr: true });
  const ready = new Promise<VcpuReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // Whoever starts a vCPU awaits it; until then a failure must not count as unhandled.
  ready.catch(() => {});
  return { worker, ready };
}

let first: StartedThread | undefined;

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
