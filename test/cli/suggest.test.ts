import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/errors.ts';
import { OPTIONS } from '../../src/cli/options.ts';
import { unknownOption } from '../../src/cli/suggest.ts';

describe('the error for an unknown option', () => {
  it.each([
    ['--blok', 'Did you mean --block?'],
    ['-block', 'Did you mean --block?'],
    ['--cpu', 'Did you mean --cpus?'],
    ['--init-rd', 'Did you mean --initrd?'],
    ['--usrename', 'Did you mean --username?'],
    ['--drive', 'Did you mean --block?'],
    ['-smp', 'Did you mean --cpus?'],
    ['-m', 'first argument'],
    ['-append', 'Kernel arguments follow the kernel'],
    ['-s', 'a kernel argument that begins with a dash comes after --'],
    ['--quux', 'See tslaunch --help'],
  ])('for %s has the remedy %s', (word, remedy) => {
    const error = unknownOption(word);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(`Unknown option ${word}.`);
    expect(error.remedy).toContain(remedy);
  });

  it('finds every option behind one slip', () => {
    for (const { name } of OPTIONS) {
      const slip = `${name.slice(0, 1)}x${name.slice(2)}`;
      expect(unknownOption(`--${slip}`).remedy, slip).toContain(`--${name}?`);
    }
  });
});
