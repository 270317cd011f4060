import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { splitWords } from '../../src/cli/words.ts';

const split = (line: string) => splitWords(line === '' ? [] : line.split(' '));

describe('splitting a command line into words', () => {
  it('takes options from anywhere before --', () => {
    for (const line of [
      '--cpus 2 512 vmlinux root=/dev/vda',
      '512 --cpus 2 vmlinux root=/dev/vda',
      '512 vmlinux --cpus=2 root=/dev/vda',
      '512 vmlinux root=/dev/vda --cpus 2',
    ]) {
      expect(split(line)).toEqual({
        options: new Map([['cpus', ['2']]]),
        operands: ['512', 'vmlinux', 'root=/dev/vda'],
        unknown: undefined,
      });
    }
  });

  it('leaves everything after -- alone, a second -- too', () => {
    const { operands, options } = split('512 vmlinux quiet -- -s --rng --block=x -- single');
    expect(operands).toEqual(['512', 'vmlinux', 'quiet', '-s', '--rng', '--block=x', '--', 'single']);
    expect(options.size).toBe(0);
  });

  it('lets operands stand after -- from the start', () => {
    expect(split('--rng -- 512 vmlinux -s').operands).toEqual(['512', 'vmlinux', '-s']);
  });

  it('never takes an operand for the value of a switch', () => {
    expect(split('512 vmlinux --rng true false --verbose 1').operands).toEqual([
      '512',
      'vmlinux',
      'true',
      'false',
      '1',
    ]);
  });

  it('keeps operands as they are written', () => {
    const words = ['0512', 'vmlinux', 'a.b=1e3', "'q'", '', 'root="x y"', '-'];
    expect(splitWords(words).operands).toEqual(words);
  });

  it('collects a repeatable option in order', () => {
    expect(split('--block a --block=b,ro --block c').options.get('block')).toEqual(['a', 'b,ro', 'c']);
  });

  it('knows one-letter names, in groups too', () => {
    expect(new Set(split('-hV -v').options.keys())).toEqual(new Set(['help', 'version', 'verbose']));
  });

  it('allows a switch twice and refuses a value twice', () => {
    expect(split('-v -v').options.get('verbose')).toEqual([]);
    expect(() => split('--cpus 1 --cpus 2')).toThrow('--cpus is given twice.');
  });

  it('refuses an option without its value', () => {
    for (const line of ['--block', '--block --rng', '--block=', '512 vmlinux --cpus', '--block --', '--initrd -x']) {
      expect(() => split(line), line).toThrow(/^--(block|cpus|initrd) needs a value\./);
      expect(() => split(line), line).toThrow(UsageError);
    }
  });

  it('takes a value that begins with a dash when it is meant', () => {
    expect(split('--block=-x').options.get('block')).toEqual(['-x']);
    expect(split('--block -').options.get('block')).toEqual(['-']);
  });

  it('refuses a value for a switch', () => {
    for (const line of ['--rng=false', '--rng=', '--verbose=1']) {
      expect(() => split(line), line).toThrow(/^--(rng|verbose) takes no value\./);
    }
  });

  it('names the first unknown option as it was written', () => {
    expect(split('512 --blok=x --frob vmlinux').unknown).toBe('--blok');
    expect(split('-append x').unknown).toBe('-append');
    expect(split('-vx').unknown).toBe('-vx');
    expect(split('--constructor --__proto__').unknown).toBe('--constructor');
    expect(split('512 vmlinux -- --blok').unknown).toBeUndefined();
  });

  it('takes a negative number for an operand, once', () => {
    expect(split('-512 vmlinux -0.5').operands).toEqual(['-512', 'vmlinux', '-0.5']);
  });
});
