import { describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../../src/base/errors.ts';
import { parseCdromOption } from '../../../src/devices/scsi/options.ts';

describe('--cdrom', () => {
  it.each([
    ['a.iso', { file: 'a.iso' }],
    ['/dev/sr0', { file: '/dev/sr0' }],
    ['a,,b.iso,serial=S-1', { file: 'a,b.iso', serial: 'S-1' }],
  ])('%s', (text, expected) => {
    expect(parseCdromOption(text)).toEqual(expected);
  });

  it.each([
    ['', '--cdrom names no file. Write --cdrom FILE[,serial=S].'],
    [',serial=1', '--cdrom names no file.'],
    ['a\0b', 'zero byte'],
    ['a.iso,ro', '--cdrom does not know "ro".'],
    ['a.iso,serail=1', 'Did you mean serial?'],
    ['a.iso,serial', 'serial ""'],
    ['a.iso,serial=123456789012345678901', 'Use 1 to 20 printable ASCII characters'],
    ['a.iso,serial=a b', 'is not a serial number'],
    ['a.iso,serial=1,serial=2', 'gives serial twice'],
  ])('%s is refused', (text, sentence) => {
    let refusal: unknown;
    try {
      parseCdromOption(text);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(UsageError);
    expect(describeError(refusal)).toContain(sentence);
  });
});
