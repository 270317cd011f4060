import { describe, expect, it } from 'vitest';
import { encodeCommandLine, writeCommandLine } from '../../src/boot/command-line.ts';
import { guestOf, refusal } from './support/guest.ts';

describe('the command line', () => {
  it('ends with a zero', () => {
    const memory = guestOf(4);
    writeCommandLine(memory, encodeCommandLine('root=/dev/vda ö', 255, 'k'));
    expect(Buffer.from(memory.bytes(0x2_0000, 17)).toString()).toBe('root=/dev/vda ö\0');
  });

  it('may be as long as the kernel takes, in bytes', () => {
    expect(encodeCommandLine('x'.repeat(255), 255, 'k')).toHaveLength(256);
    expect(refusal(() => encodeCommandLine('x'.repeat(256), 255, 'bzImage'))).toBe(
      'The kernel command line is 256 bytes long, but bzImage takes at most 255. Pass fewer or shorter kernel arguments.',
    );
    expect(refusal(() => encodeCommandLine('ö'.repeat(128), 255, 'k'))).toMatch(/is 256 bytes long/);
  });

  it('never outgrows its room, whatever the kernel says it takes', () => {
    expect(refusal(() => encodeCommandLine('x'.repeat(65_536), 0xffff_ffff, 'k'))).toMatch(/takes at most 65535\./);
    expect(encodeCommandLine('x'.repeat(65_535), 0xffff_ffff, 'k')).toHaveLength(65_536);
  });

  it('has no zero inside', () => {
    expect(refusal(() => encodeCommandLine('a\0b', 255, 'k'))).toMatch(/contains a zero byte/);
  });
});
