/** What of a running guest the command line asks to see. */
import { UsageError } from '../base/errors.ts';
import type { MachineConfig } from '../machine/config.ts';
import {
  TRACE_CLASSES,
  TRACE_FORMATS,
  type TraceClass,
  type TraceConfig,
  type TraceFormat,
} from '../machine/observation.ts';
import type { Words } from './words.ts';

/** The part of a machine's configuration that follows from --trace, --trace-format, --trace-file and --stats. Throws UsageError. */
export function observationOf(options: Words['options']): Pick<MachineConfig, 'decode' | 'observation'> {
  const value = (name: string) => options.get(name)?.[0];
  const statistics = options.has('stats');
  const what = value('trace');
  for (const name of ['trace-format', 'trace-file']) {
    if (what === undefined && options.has(name)) {
      throw new UsageError(`--${name} says how to trace, but there is no --trace.`, 'Add --trace, or leave it out.');
    }
  }
  if (options.has('no-decode')) {
    const other = what === undefined ? 'stats' : 'trace';
    if (what === undefined && !statistics) return { decode: false };
    throw new UsageError(`--${other} shows decoded exits, and --no-decode asks for none.`, 'Leave one of them out.');
  }
  if (what === undefined) return statistics ? { observation: { statistics } } : {};
  const file = value('trace-file');
  const trace: TraceConfig = {
    classes: parseClasses(what),
    format: parseFormat(value('trace-format') ?? 'text'),
    ...(file === undefined ? {} : { file }),
  };
  return { observation: { statistics, trace } };
}

function parseClasses(text: string): readonly TraceClass[] {
  if (text === 'all') return TRACE_CLASSES;
  return text.split(',').map(word => {
    const found = TRACE_CLASSES.find(each => each === word);
    if (found) return found;
    throw new UsageError(
      `--trace=${text}: '${word}' is nothing that can be traced.`,
      `Give some of ${TRACE_CLASSES.join(', ')}, with commas between, or --trace alone for all.`,
    );
  });
}

function parseFormat(text: string): TraceFormat {
  const format = TRACE_FORMATS.find(each => each === text);
  if (format) return format;
  throw new UsageError(`--trace-format ${text} is no format.`, `Give one of ${TRACE_FORMATS.join(', ')}.`);
}
