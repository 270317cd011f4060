import { describe, expect, it } from 'vitest';
import { describeError, GuestError, HostError, UsageError } from '../../src/base/errors.ts';

describe('errors', () => {
  it('carry the exit status of who has to act', () => {
    expect([new UsageError('x').exitStatus, new HostError('x').exitStatus, new GuestError('x').exitStatus]).toEqual([
      2, 1, 1,
    ]);
  });

  it('say what is wrong, then what to do', () => {
    expect(describeError(new UsageError('It is red.', 'Paint it.'))).toBe('It is red. Paint it.');
    expect(describeError(new HostError('It fell.'))).toBe('It fell.');
    expect(describeError('odd')).toBe('odd');
  });

  it('keep the system call and errno of a host failure', () => {
    expect(new HostError('x', undefined, { syscall: 'open', errno: 'EACCES' })).toMatchObject({
      name: 'HostError',
      syscall: 'open',
      errno: 'EACCES',
    });
  });
});
