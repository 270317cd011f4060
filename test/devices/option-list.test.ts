import { describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../src/base/errors.ts';
import { parseOptionList } from '../../src/devices/option-list.ts';

const parse = (text: string) => parseOptionList('--disk', text, ['ro', 'serial']);
const refusal = (text: string) => {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return describeError(error);
  }
  return 'taken';
};

describe('a comma list of options', () => {
  it('has a head and entries with and without values', () => {
    const { head, entries } = parse('a file,ro,serial=x=y');
    expect(head).toBe('a file');
    expect([...entries]).toEqual([
      ['ro', undefined],
      ['serial', 'x=y'],
    ]);
    expect(parse('file').entries.size).toBe(0);
    expect(parse('').head).toBe('');
  });

  it('takes a doubled comma for a comma', () => {
    expect(parse('a,,b,serial=c,,d').head).toBe('a,b');
    expect(parse('a,,b,serial=c,,d').entries.get('serial')).toBe('c,d');
    expect(parse('a,,,ro').head).toBe('a,');
    expect(parse('a,,,ro').entries.has('ro')).toBe(true);
  });

  it('refuses keys it does not know, with the nearest it does', () => {
    expect(refusal('f,serail=x')).toBe('--disk does not know "serail". Did you mean serial?');
    expect(refusal('f,RO')).toBe('--disk does not know "RO". Did you mean ro?');
    expect(refusal('f,cache=none')).toMatch(/knows ro, serial; a comma in a file name is written twice\.$/);
    expect(refusal('f,')).toContain('""');
    expect(refusal('f,ro,ro')).toBe('--disk f,ro,ro gives ro twice. Give it once.');
  });
});
