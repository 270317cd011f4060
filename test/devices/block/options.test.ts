import { describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../../src/base/errors.ts';
import { parseBlockOption } from '../../../src/devices/block/options.ts';

describe('--block', () => {
  it.each([
    ['disk.img', { file: 'disk.img', readOnly: false }],
    ['/dev/vg/root,ro', { file: '/dev/vg/root', readOnly: true }],
    ['a,,b.img,serial=S-1', { file: 'a,b.img', readOnly: false, serial: 'S-1' }],
    ['d,queue-size=1024,ro', { file: 'd', readOnly: true, queueSize: 1024 }],
    ['d,serial=12345678901234567890', { file: 'd', readOnly: false, serial: '12345678901234567890' }],
  ])('%s', (text, expected) => {
    expect(parseBlockOption(text)).toEqual(expected);
  });

  it.each([
    ['', '--block names no file. Write --block FILE[,ro][,serial=S].'],
    [',ro', '--block names no file.'],
    ['a\0b', 'zero byte'],
    ['d,ro=1', '"ro" without a value'],
    ['d,readonly', '--block does not know "readonly".'],
    ['d,rw', 'Did you mean ro?'],
    ['d,serial', 'serial ""'],
    ['d,serial=', 'Use 1 to 20 printable ASCII characters'],
    ['d,serial=123456789012345678901', 'is not a serial number'],
    ['d,serial=a b', 'is not a serial number'],
    ['d,serial=ü', 'is not a serial number'],
    ['d,queue-size=100', 'Use a power of two from 4 to 1024.'],
    ['d,queue-size=2048', 'queue size'],
    ['d,queue-size=0x40', 'queue size'],
    ['d,queue-size', 'queue size'],
  ])('%s is refused', (text, sentence) => {
    let refusal: unknown;
    try {
      parseBlockOption(text);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(UsageError);
    expect(describeError(refusal)).toContain(sentence);
  });
});
