import { describe, expect, it } from 'vitest';
import { RegisterFile } from '../../src/state/register-file.ts';

describe('RegisterFile', () => {
  it('gives the same bytes to everybody who asks in the same order', () => {
    const mine = RegisterFile.create(4096);
    const theirs = new RegisterFile(mine.buffer);
    mine.slice('a', 10);
    theirs.slice('a', 10);
    mine.slice('b', 100).bytes[99] = 7;
    expect(theirs.slice('b', 100).bytes[99]).toBe(7);
  });

  it('keeps slices and their locks apart', () => {
    const file = RegisterFile.create(4096);
    const a = file.slice('a', 64);
    const b = file.slice('b', 64);
    a.bytes.fill(0xff);
    a.lock.with(() => expect(b.lock.with(() => 'free')).toBe('free'));
    expect(b.bytes.every(byte => byte === 0)).toBe(true);
  });

  it('refuses a second slice of one name and more than it has', () => {
    const file = RegisterFile.create(256);
    file.slice('a', 4);
    expect(() => file.slice('a', 4)).toThrow(/exists/);
    expect(() => file.slice('big', 200)).toThrow(/full/);
  });

  it('releases a lock when its holder throws', () => {
    const { lock } = RegisterFile.create(256).slice('a', 4);
    expect(() =>
      lock.with(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(lock.with(() => 1)).toBe(1);
  });
});
