// One start of one launcher, with a stopwatch on what it prints. Time begins just before the program is executed, so it holds all
// that a user waits for: the interpreter's start, the launcher's own work, firmware where there is some.
import { spawn } from 'node:child_process';
import { FixtureError } from '../../fixtures/support/errors.ts';
import { memoryBeyondGuest } from './memory.ts';

export interface LaunchOptions {
  /** Text or pattern whose appearance is timed. */
  until?: string | RegExp;
  /** Stop the launcher once `until` has appeared, rather than waiting for its end. */
  stopThere?: boolean;
  /** Samples memory every 20 ms, which disturbs the times. `guestBytes` is the guest's RAM. */
  sampleMemory?: { guestBytes: number };
  /** Milliseconds. */
  timeout?: number;
}

export interface Launched {
  output: string;
  /** Milliseconds from exec; undefined when it did not happen. */
  firstByte: number | undefined;
  until: number | undefined;
  end: number;
  status: number | null;
  /** Peak bytes beyond guest RAM. */
  memory: number | undefined;
}

export function launch(command: readonly string[], options: LaunchOptions = {}): Promise<Launched> {
  const start = performance.now();
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  const result: Launched = {
    output: '',
    firstByte: undefined,
    until: undefined,
    end: 0,
    status: null,
    memory: undefined,
  };
  let errors = '';
  child.stdout.on('data', chunk => {
    const now = performance.now() - start;
    result.firstByte ??= now;
    result.output += chunk.toString('latin1');
    if (result.until !== undefined || options.until === undefined || !found(result.output, options.until)) return;
    result.until = now;
    if (options.stopThere) child.kill('SIGTERM');
  });
  child.stderr.on('data', chunk => {
    errors += chunk.toString('latin1');
  });
  const { sampleMemory } = options;
  const sample = () => {
    const now =
      child.pid === undefined || !sampleMemory ? undefined : memoryBeyondGuest(child.pid, sampleMemory.guestBytes);
    if (now !== undefined) result.memory = Math.max(result.memory ?? 0, now);
  };
  const sampler = sampleMemory && setInterval(sample, 20);
  const limit = options.timeout ?? 120_000;
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  return new Promise((resolve, reject) => {
    const settle = (status: number | null) => {
      clearTimeout(timer);
      clearInterval(sampler);
      result.end = performance.now() - start;
      result.status = status;
      if (options.until !== undefined && result.until === undefined)
        reject(neverSaid(command, options.until, result, errors));
      else resolve(result);
    };
    child.on('error', error => reject(new FixtureError(`cannot run ${command[0]}: ${error.message}`)));
    child.on('close', settle);
  });
}

function found(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}

function neverSaid(
  command: readonly string[],
  wanted: string | RegExp,
  result: Launched,
  errors: string,
): FixtureError {
  const last = `${result.output}\n${errors}`
    .trim()
    .split(/[\r\n]+/)
    .slice(-8)
    .join('\n  ');
  return new FixtureError(
    `${command.join(' ')}\nended after ${Math.round(result.end)} ms with status ${result.status} and never said ${wanted}. Its last words:\n  ${last}`,
  );
}
