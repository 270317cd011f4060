import { describe, expect, it } from 'vitest';
import { lockedDevice, parseLocks } from '../../src/host/file-lock.ts';

const TEXT = `1: POSIX  ADVISORY  WRITE 700 fe:00:131074 0 EOF
2: FLOCK  ADVISORY  WRITE 4242 fe:00:131074 0 EOF
2: -> FLOCK  ADVISORY  READ  4243 fe:00:131074 0 EOF
3: FLOCK  ADVISORY  READ 51 103:1f:99 0 EOF
4: OFDLCK ADVISORY  READ -1 00:06:7 0 EOF
5: FLOCK  ADVISORY  WRITE 0 00:2a:12 0 EOF
6: POSIX  ADVISORY  WRITE 481 00:1a:33161255 0 EOF
7: POSIX  ADVISORY  WRITE 482 00:1a:33161256 0 99
8: POSIX  ADVISORY  READ 482 00:1a:33161256 100 101
9: POSIX  ADVISORY  WRITE 482 00:1a:33161256 102 EOF
`;

describe('/proc/locks', () => {
  it('tells who holds a flock on a file', () => {
    expect(parseLocks(TEXT, 'fe:00', 131074n)).toBe(4242);
    expect(parseLocks(TEXT, '103:1f', 99n)).toBe(51);
  });

  it('lists flocks of network file systems as POSIX locks, in pieces where bytes were locked again', () => {
    expect(parseLocks(TEXT, '00:1a', 33161255n)).toBe(481);
    expect(parseLocks(TEXT, '00:1a', 33161256n)).toBe(482);
  });

  it('is believed by inode alone where device numbers differ', () => {
    expect(parseLocks(TEXT, '00:31', 131074n)).toBe(4242);
  });

  it('knows nobody where there is no such lock, or the holder lives elsewhere', () => {
    expect(parseLocks(TEXT, 'fe:00', 5n)).toBeUndefined();
    expect(parseLocks(TEXT, '00:06', 7n)).toBeUndefined();
    expect(parseLocks(TEXT, '00:2a', 12n)).toBeUndefined();
    expect(parseLocks('', 'fe:00', 5n)).toBeUndefined();
  });
});

describe('a device number', () => {
  it('is unpacked as glibc packs it', () => {
    expect(lockedDevice(0xfe00n)).toBe('fe:00');
    expect(lockedDevice(0x0010_0301n)).toBe('03:101');
    expect(lockedDevice((5n << 44n) | (7n << 20n) | (1n << 8n) | 2n)).toBe('5001:702');
  });
});
