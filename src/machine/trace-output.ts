/**
 * Where a trace goes: a file opened by main before rights are given away, or standard error. The vCPU threads write to its
 * descriptor themselves, a whole line at a time: while a guest runs, a thread's messages would pile up on main.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { UsageError } from '../base/errors.ts';
import type { Symbols } from '../boot/elf/symbols.ts';
import type { TraceClass, TraceConfig, TraceFormat } from './observation.ts';

/** What a vCPU's thread is told about the trace. */
export interface TraceOrder {
  readonly classes: readonly TraceClass[];
  readonly format: TraceFormat;
  readonly fd: number;
  /** It is a terminal: in colour, and raw. */
  readonly terminal: boolean;
  readonly symbols: Symbols | undefined;
  /** When the machine started, by `process.hrtime.bigint()`. */
  readonly start: bigint;
}

const STANDARD_ERROR = 2;
const PAUSE = 1;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of `line`. A full pipe is waited for; one that nobody reads any more swallows it. */
export function writeTrace(fd: number, line: string): void {
  let rest = Buffer.from(line);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(sleeper, 0, 0, PAUSE);
    }
  }
}

export class TraceOutput {
  readonly fd: number;
  readonly terminal: boolean;

  /** Throws UsageError if the file cannot be made. */
  constructor({ file, format }: TraceConfig) {
    this.fd = file === undefined ? STANDARD_ERROR : open(file);
    this.terminal = file === undefined && format === 'text' && process.stderr.isTTY === true && !process.env.NO_COLOR;
  }

  /** What a vCPU's thread needs. Time starts now. */
  order({ classes, format }: TraceConfig, symbols: Symbols | undefined): TraceOrder {
    const { fd, terminal } = this;
    return { classes, format, fd, terminal, symbols, start: process.hrtime.bigint() };
  }

  close(): void {
    if (this.fd !== STANDARD_ERROR) closeSync(this.fd);
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'w');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`The trace file ${file} cannot be written (${code}).`, 'Check the path and its permissions.');
  }
}
