import { describe, expect, it } from 'vitest';
import { defaultConsole } from '../../src/machine/default-console.ts';

describe('the default console', () => {
  it('is virtio, with the serial port before it is there', () => {
    expect(defaultConsole([])).toEqual(['earlyprintk=serial,ttyS0,115200', 'console=hvc0']);
    expect(defaultConsole(['root=/dev/vda', 'consoleblank=0'])).toHaveLength(2);
  });

  it('gives way to any console the user names', () => {
    expect(defaultConsole(['console=ttyS0'])).toEqual([]);
    expect(defaultConsole(['quiet', 'console=hvc0'])).toEqual([]);
    expect(defaultConsole(['console='])).toEqual([]);
  });

  it('leaves the early console to a user who has one', () => {
    expect(defaultConsole(['earlyprintk=ttyS0,keep'])).toEqual(['console=hvc0']);
    expect(defaultConsole(['earlycon'])).toEqual(['console=hvc0']);
  });
});
