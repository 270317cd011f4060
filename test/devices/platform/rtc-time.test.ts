import { describe, expect, it } from 'vitest';
import { decodeTime, encodeTime, RTC } from '../../../src/devices/platform/rtc-time.ts';

const MODES: [string, number][] = [
  ['BCD, 24 hours', 0x02],
  ['binary, 24 hours', 0x06],
  ['BCD, 12 hours', 0x00],
  ['binary, 12 hours', 0x04],
];
const MOMENTS = ['1970-01-01T00:00:00Z', '1999-12-31T23:59:59Z', '2024-02-29T12:00:07Z', '2099-07-04T11:58:30Z'];

describe.each(MODES)('RTC time in %s', (_, statusB) => {
  it.each(MOMENTS)('survives the way there and back: %s', text => {
    const cmos = new Uint8Array(128);
    encodeTime(cmos, Date.parse(text), statusB);
    expect(new Date(decodeTime(cmos, statusB)).toISOString()).toBe(text.replace('Z', '.000Z'));
  });
});

describe('RTC time', () => {
  it('is BCD with the week starting on Sunday as day 1', () => {
    const cmos = new Uint8Array(128);
    encodeTime(cmos, Date.parse('2026-11-22T21:43:57Z'), 0x02);
    const read = (at: number) => cmos[at]!.toString(16);
    expect(
      [RTC.seconds, RTC.minutes, RTC.hours, RTC.weekday, RTC.day, RTC.month, RTC.year, RTC.century].map(read),
    ).toEqual(['57', '43', '21', '1', '22', '11', '26', '20']);
    encodeTime(cmos, Date.parse('2026-11-22T21:43:57Z'), 0x00);
    expect(read(RTC.hours)).toBe('89');
  });
});
