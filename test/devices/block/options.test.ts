import { describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../../src/base/errors.ts';
import { parseBlockOption } from '../../../src/devices/block/options.ts';

const DEFAULTS = { readOnly: false, cache: 'writeback', discard: true, queues: 1, backing: false };

describe('--block', () => {
  it.each([
    ['disk.img', { file: 'disk.img' }],
    ['/dev/vg/root,ro', { file: '/dev/vg/root', readOnly: true }],
    ['a,,b.img,serial=S-1', { file: 'a,b.img', serial: 'S-1' }],
    ['d,queue-size=1024,ro', { file: 'd', readOnly: true, queueSize: 1024 }],
    ['d,serial=12345678901234567890', { file: 'd', serial: '12345678901234567890' }],
    ['d,format=raw', { file: 'd', format: 'raw' }],
    ['d,format=qcow2,backing=on', { file: 'd', format: 'qcow2', backing: true }],
    ['d,backing=off,discard=off', { file: 'd', discard: false }],
    ['d,discard=on,cache=none', { file: 'd', cache: 'none' }],
    ['d,cache=writethrough,queues=32', { file: 'd', cache: 'writethrough', queues: 32 }],
  ])('%s', (text, expected) => {
    expect(parseBlockOption(text)).toEqual({ ...DEFAULTS, ...expected });
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
    ['d,format=vmdk', '--block takes "format" as one of raw, qcow2, not "vmdk". Write FILE,format=raw.'],
    ['d,format', '--block takes "format" as one of raw, qcow2. Write FILE,format=raw.'],
    ['d,format=', 'one of raw, qcow2.'],
    ['d,cache=unsafe', '"cache" as one of writeback, writethrough, none, not "unsafe".'],
    ['d,discard', '"discard" as one of on, off.'],
    ['d,discard=yes', 'not "yes". Write FILE,discard=on.'],
    ['d,backing=/etc/passwd', '"backing" as one of on, off'],
    ['d,queues=0', 'Use 1 to 32; more than the guest has CPUs are of no use.'],
    ['d,queues=33', 'is not a number of queues'],
    ['d,queues=two', '--block queues "two"'],
    ['d,queues=-1', '--block queues "-1"'],
    ['d,format=raw,format=raw', 'gives format twice'],
    ['d,chache=none', 'Did you mean cache?'],
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
