import { describe, expect, it } from 'vitest';
import { GiB, MiB } from '../../src/base/bits.ts';
import { UsageError } from '../../src/base/errors.ts';
import { parseMemory } from '../../src/cli/memory-size.ts';

describe('the memory size', () => {
  it.each([
    ['512', 512 * MiB],
    ['4', 4 * MiB],
    ['0064', 64 * MiB],
    ['512M', 512 * MiB],
    ['512m', 512 * MiB],
    ['512MiB', 512 * MiB],
    ['2G', 2 * GiB],
    ['2gb', 2 * GiB],
    ['8192', 8 * GiB],
  ])('reads %s', (text, bytes) => {
    expect(parseMemory(text, 8 * GiB)).toBe(bytes);
  });

  it.each(['abc', '', '-1', '1.5', '1.5G', '1e3', '0x200', '512K', '512 M', 'M', '5120q', 'Infinity', 'NaN', '五'])(
    'refuses %j, which is no whole number of MiB',
    text => {
      expect(() => parseMemory(text, 8 * GiB)).toThrow(`The memory size '${text}' is not a whole number of MiB.`);
      expect(() => parseMemory(text, 8 * GiB)).toThrow(UsageError);
    },
  );

  it.each(['0', '3', '0G', '000'])('refuses %s with the least there must be', text => {
    expect(() => parseMemory(text, 8 * GiB)).toThrow(`A memory size of ${text} is too little.`);
  });

  it.each(['8193', '9G', '1T', '99999999999999999999', '9'.repeat(400)])('refuses %s with what the host has', text => {
    expect(() => parseMemory(text, 8 * GiB)).toThrow(`A memory size of ${text} is too much: this host has 8192 MiB.`);
  });

  it('says when the host has more than a guest may', () => {
    expect(() => parseMemory('2T', 4096 * GiB)).toThrow('a guest may have 1048576 MiB');
  });
});
