import { describe, expect, it } from 'vitest';
import { facs, fadt } from '../../../src/boot/acpi/fadt.ts';
import { RTC } from '../../../src/devices/platform/rtc-time.ts';

describe('the FADT', () => {
  const table = fadt(0xf_0040, 0xf_0080);
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  const address = (at: number) => [
    ...[view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 3), Number(view.getBigUint64(at + 4, true))],
  ];

  // Offsets from ACPI 6.4, table 5.9.
  it('is revision 6 with its full length', () => {
    expect([table.length, view.getUint32(4, true), view.getUint8(8)]).toEqual([276, 276, 6]);
  });

  it('points to FACS and DSDT', () => {
    expect([view.getUint32(36, true), view.getUint32(40, true)]).toEqual([0xf_0040, 0xf_0080]);
    expect(view.getBigUint64(140, true)).toBe(0xf_0080n);
  });

  it('has PM1a event and control blocks, told twice', () => {
    expect([56, 64].map(at => view.getUint32(at, true))).toEqual([0x600, 0x604]);
    expect([view.getUint8(88), view.getUint8(89)]).toEqual([4, 2]);
    expect(address(148)).toEqual([1, 32, 2, 0x600]);
    expect(address(172)).toEqual([1, 16, 2, 0x604]);
  });

  it('interrupts on 9 and is in ACPI mode without asking SMM', () => {
    expect(view.getUint16(46, true)).toBe(9);
    expect([view.getUint32(48, true), view.getUint16(52, true)]).toEqual([0, 0]);
  });

  it('resets by writing 6 to port 0xcf9', () => {
    expect(view.getUint32(112, true) & (1 << 10)).not.toBe(0);
    expect(address(116)).toEqual([1, 8, 1, 0xcf9]);
    expect(view.getUint8(128)).toBe(6);
  });

  it('has a fixed power button, no sleep button, and is not hardware-reduced', () => {
    const flags = view.getUint32(112, true);
    expect([4, 5, 20].map(bit => (flags >> bit) & 1)).toEqual([0, 1, 0]);
  });

  it('announces neither keyboard controller nor VGA, but legacy devices and the RTC', () => {
    const boot = view.getUint16(109, true);
    expect([0, 1, 2, 3, 5].map(bit => (boot >> bit) & 1)).toEqual([1, 0, 1, 0, 0]);
  });

  it('has neither C2 nor C3, timers nor general-purpose events', () => {
    expect([view.getUint16(96, true), view.getUint16(98, true)]).toEqual([101, 1001]);
    expect([76, 80, 84].map(at => view.getUint32(at, true))).toEqual([0, 0, 0]);
  });

  it('tells where the century is', () => {
    expect(view.getUint8(108)).toBe(RTC.century);
  });
});

it('the FACS is 64 bytes of version 2', () => {
  const bytes = facs();
  expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe('FACS');
  expect([bytes.length, bytes[4], bytes[32]]).toEqual([64, 64, 2]);
});
