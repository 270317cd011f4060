/**
 * The clock's own notion of time: the ten registers of an MC146818 (and the century byte that PCs add) to and from
 * milliseconds since 1970, UTC, in binary or BCD and in 24 or 12 hours as status register B says (MC146818A data sheet, table 3).
 */
export const RTC = {
  seconds: 0,
  minutes: 2,
  hours: 4,
  weekday: 6,
  day: 7,
  month: 8,
  year: 9,
  statusA: 0x0a,
  statusB: 0x0b,
  statusC: 0x0c,
  statusD: 0x0d,
  century: 0x32,
} as const;

/** Status register B. */
export const STATUS_B = { set: 0x80, binary: 0x04, hours24: 0x02 } as const;

export const TIME_REGISTERS: readonly number[] = [
  RTC.seconds,
  RTC.minutes,
  RTC.hours,
  RTC.weekday,
  RTC.day,
  RTC.month,
  RTC.year,
  RTC.century,
];

const PM = 0x80;
const toBcd = (value: number) => ((Math.floor(value / 10) % 10) << 4) | (value % 10);
const fromBcd = (value: number) => (value >>> 4) * 10 + (value & 0xf);

/** Fills the time registers inside `cmos`. */
export function encodeTime(cmos: Uint8Array, milliseconds: number, statusB: number): void {
  const date = new Date(milliseconds);
  const code = statusB & STATUS_B.binary ? (value: number) => value : toBcd;
  const hours = date.getUTCHours();
  const year = date.getUTCFullYear();
  cmos[RTC.seconds] = code(date.getUTCSeconds());
  cmos[RTC.minutes] = code(date.getUTCMinutes());
  if (statusB & STATUS_B.hours24) cmos[RTC.hours] = code(hours);
  else cmos[RTC.hours] = code(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? PM : 0);
  cmos[RTC.weekday] = code(date.getUTCDay() + 1);
  cmos[RTC.day] = code(date.getUTCDate());
  cmos[RTC.month] = code(date.getUTCMonth() + 1);
  cmos[RTC.year] = code(year % 100);
  // The century is BCD whatever the mode: it is no register of the chip but a byte of its memory.
  cmos[RTC.century] = toBcd(Math.floor(year / 100));
}

/** What the time registers inside `cmos` say, in milliseconds. Out-of-range values carry over, as `Date.UTC` has it. */
export function decodeTime(cmos: Uint8Array, statusB: number): number {
  const value = statusB & STATUS_B.binary ? (at: number) => cmos[at]! : (at: number) => fromBcd(cmos[at]!);
  let hours = value(RTC.hours);
  if ((statusB & STATUS_B.hours24) === 0) {
    const raw = cmos[RTC.hours]! & ~PM;
    const twelve = statusB & STATUS_B.binary ? raw : fromBcd(raw);
    hours = (twelve % 12) + (cmos[RTC.hours]! & PM ? 12 : 0);
  }
  const year = fromBcd(cmos[RTC.century]!) * 100 + value(RTC.year);
  const date = new Date(0);
  date.setUTCFullYear(year, value(RTC.month) - 1, value(RTC.day));
  date.setUTCHours(hours, value(RTC.minutes), value(RTC.seconds));
  return date.getTime();
}
