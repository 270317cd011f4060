import { describe, expect, it } from 'vitest';
import { isGuestRam, memoryBeyondGuest, parseSmaps } from '../../../bench/lib/memory.ts';

const SMAPS = `55d0a0000000-55d0a0001000 r--p 00000000 fe:00 123    /usr/bin/launcher
Size:                  4 kB
Rss:                   4 kB
Pss:                   2 kB
7f0000000000-7f0004000000 rw-p 00000000 00:00 0
Size:              65536 kB
Pss:               30000 kB
7f0008000000-7f000c000000 rw-s 00000000 00:01 77     /memfd:tslaunch-ram (deleted)
Pss:                 512 kB
7f0010000000-7f0010021000 rw-p 00000000 00:00 0      [heap]
Pss:                 100 kB
`;

describe("memory beyond the guest's", () => {
  it('reads sizes, names and proportional sizes', () => {
    expect(parseSmaps(SMAPS).map(region => [region.bytes, region.path, region.pss])).toEqual([
      [0x1000, '/usr/bin/launcher', 2048],
      [64 << 20, '', 30000 << 10],
      [64 << 20, '/memfd:tslaunch-ram (deleted)', 512 << 10],
      [0x21000, '[heap]', 100 << 10],
    ]);
  });

  it("knows both launchers' guest RAM", () => {
    expect(parseSmaps(SMAPS).map(region => isGuestRam(region, 64 << 20))).toEqual([false, true, true, false]);
    expect(parseSmaps(SMAPS).map(region => isGuestRam(region, 128 << 20))).toEqual([false, false, true, false]);
  });

  it('measures a live process and shrugs at one that is gone', () => {
    expect(memoryBeyondGuest(process.pid, 1 << 30)).toBeGreaterThan(1 << 20);
    expect(memoryBeyondGuest(0x7ffffffe, 1 << 30)).toBeUndefined();
  });
});
