import { describe, expect, it } from 'vitest';
import { GiB } from '../../src/base/bits.ts';
import { UsageError } from '../../src/base/errors.ts';
import { parse } from '../../src/cli/parse.ts';
import { TRACE_CLASSES } from '../../src/machine/observation.ts';

function observation(line: string) {
  const parsed = parse(line.split(' '), { hostMemory: 8 * GiB, cwd: '/' });
  if (parsed.kind !== 'run') throw new Error(`${line} does not run`);
  return parsed.config.observation;
}

describe('what a command line asks to see', () => {
  it('is nothing by itself', () => {
    expect(observation('64 vmlinux')).toBeUndefined();
  });

  it('is statistics with --stats', () => {
    expect(observation('--stats 64 vmlinux')).toEqual({ statistics: true });
  });

  it('is every exit with --trace, which takes no word from those that follow', () => {
    const trace = { classes: TRACE_CLASSES, format: 'text' };
    expect(observation('--trace 64 vmlinux')).toEqual({ statistics: false, trace });
    expect(observation('64 vmlinux --trace')).toEqual({ statistics: false, trace });
    expect(observation('64 vmlinux -- --trace')).toBeUndefined();
  });

  it('is some exits, as JSON, in a file', () => {
    expect(observation('--trace=virtio,pci --trace-format json --trace-file t.json 64 vmlinux')).toEqual({
      statistics: false,
      trace: { classes: ['virtio', 'pci'], format: 'json', file: 't.json' },
    });
  });

  it.each([
    ['--trace=usb 64 vmlinux', /'usb' is nothing that can be traced/],
    ['--trace= 64 vmlinux', /--trace needs a value/],
    ['--trace --trace-format xml 64 vmlinux', /--trace-format xml is no format/],
    ['--trace-format json 64 vmlinux', /there is no --trace/],
    ['--trace-file x 64 vmlinux', /there is no --trace/],
    ['--trace --trace=io 64 vmlinux', /--trace is given twice/],
  ])('%s is refused', (line, sentence) => {
    expect(() => observation(line)).toThrow(UsageError);
    expect(() => observation(line)).toThrow(sentence);
  });
});
