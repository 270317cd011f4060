/**
 * What the launcher says about itself, on stderr only: stdout belongs to the guest. `narrate` speaks with `--verbose`, `warn`
 * always. Threads other than main write through the same file descriptor, synchronously, so lines never mix or get lost.
 */
import { writeSync } from 'node:fs';
import { type ConsolaInstance, createConsola, type LogObject } from 'consola/core';

/** consola's level for warnings (1) and for verbose narration (4). */
const WARN = 1;
const NARRATE = 4;

let lineEnd = '\n';
/** How long a line waits for a full pipe, in ms, and how often it tries. */
const PATIENCE = 200;
const PAUSE = 1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Standard error may be a full pipe that somebody made non-blocking: a line waits a moment, then is given up. */
function writeLine(line: string): void {
  let rest = Buffer.from(line);
  for (let tries = 0; rest.length > 0 && tries < PATIENCE / PAUSE; tries++) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      // Closed, or its reader is gone: a lost remark must not end the guest.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(sleeper, 0, 0, PAUSE);
    }
  }
}

let sink: (line: string) => void = writeLine;

const logger: ConsolaInstance = createConsola({
  level: WARN,
  // Two equal remarks are two remarks.
  throttle: 0,
  reporters: [{ log: (entry: LogObject) => sink(`tslaunch: ${entry.args.join(' ')}${lineEnd}`) }],
});

export const log = {
  /** A remark the user should see whatever the verbosity. */
  warn(message: string): void {
    logger.warn(message);
  },
  /** One line of narration: who, then what happened. Costs nothing unless `--verbose`. */
  narrate(who: string, message: string): void {
    if (logger.level >= NARRATE) logger.debug(`${who}: ${message}`);
  },
  get verbose(): boolean {
    return logger.level >= NARRATE;
  },
  setVerbose(verbose: boolean): void {
    logger.level = verbose ? NARRATE : WARN;
  },
  /** While the terminal is raw a line feed alone does not return the carriage. */
  setRawTerminal(raw: boolean): void {
    lineEnd = raw ? '\r\n' : '\n';
  },
  /** Redirects all lines, for tests and for the Node API. */
  setSink(write: (line: string) => void): void {
    sink = write;
  },
};
