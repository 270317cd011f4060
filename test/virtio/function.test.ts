import { afterEach, describe, expect, it } from 'vitest';
import type { Width } from '../../src/base/bits.ts';
import { describeRegister } from '../../src/bus/register-block.ts';
import { notifyOffset } from '../../src/virtio/layout.ts';
import { MockDriver } from '../support/mock-driver.ts';
import { EchoService, echoModel } from './echo.ts';

let driver: MockDriver;
const create = () => {
  driver = MockDriver.create(echoModel(), new EchoService());
  return driver.registers;
};
afterEach(() => driver?.stop());

describe('a virtio PCI function', () => {
  it('says who it is (4.1.2)', () => {
    const r = create();
    expect(r.pciRead(0, 2)).toBe(0x1af4);
    expect(r.pciRead(2, 2)).toBe(0x1040 + 42);
    expect(r.pciRead(8, 1)).toBe(1);
    expect(r.pciRead(8, 4)).toBe(0xff00_0001);
    expect(r.pciRead(0x2c, 2)).toBe(0x1af4);
    expect(r.pciRead(0x2e, 2)).toBe(0x1040 + 42);
    expect(r.pciRead(0x3d, 1)).toBe(1);
  });

  it('has one memory BAR of 32 KiB', () => {
    const r = create();
    r.pciWrite(0x10, 4, 0xffff_ffff);
    expect(r.pciRead(0x10, 4)).toBe(0xffff_8000);
    expect(driver.function.windows()).toHaveLength(1);
  });

  it('tells where its structures are (4.1.4)', () => {
    const r = create();
    expect(r.capabilities.get('common')).toMatchObject({ offset: 0, length: 0x3c });
    expect(r.capabilities.get('isr')).toMatchObject({ offset: 0x1000, length: 1 });
    expect(r.capabilities.get('device')).toMatchObject({ offset: 0x2000, length: 10 });
    expect(r.capabilities.get('notify')).toMatchObject({ offset: 0x3000, length: 8 });
    expect(r.pciRead(r.capability('notify').at + 16, 4)).toBe(4);
    expect(r.pciRead(r.capability('notify').at + 2, 1)).toBe(20);
    expect(r.pciRead(r.msixAt + 2, 2)).toBe(2);
    expect(r.pciRead(r.msixAt + 4, 4)).toBe(0x4000);
    expect(r.pciRead(r.msixAt + 8, 4)).toBe(0x5000);
    expect([0, 1].map(notifyOffset)).toEqual([0x3000, 0x3004]);
  });

  it('has no device structure without configuration space', async () => {
    const model = { ...echoModel(), config: new Uint8Array(0), writableConfig: [] };
    driver = await MockDriver.start(model, new EchoService());
    expect(driver.registers.capabilities.has('device')).toBe(false);
    expect(driver.registers.read(0x2000, 4)).toBe(0);
  });

  it('names its registers for traces', () => {
    create();
    const bar = driver.function.bar(0);
    expect(describeRegister(bar, 0x14)).toBe('echo0.device_status');
    expect(describeRegister(bar, 0x1000)).toBe('echo0.isr_status');
    expect(describeRegister(bar, 0x2002)).toBe('echo0.config.mode');
    expect(describeRegister(bar, 0x2009)).toBe('echo0.config.0x9');
    expect(describeRegister(bar, 0x3004)).toBe('echo0.notify1');
    expect(describeRegister(bar, 0x4018)).toBe('echo0.MSI-X.vector1.data');
    expect(describeRegister(bar, 0x3008)).toBe('echo0+0x3008');
    expect(describeRegister(bar, 0x7000)).toBe('echo0+0x7000');
  });

  it('refuses models that it cannot carry', () => {
    const make = (change: object) => () => MockDriver.create({ ...echoModel(), ...change }, new EchoService());
    expect(make({ queueSizes: [12] })).toThrow(RangeError);
    expect(make({ queueSizes: [2048] })).toThrow(RangeError);
    expect(make({ queueSizes: new Array(256).fill(1) })).toThrow(RangeError);
    expect(make({ config: new Uint8Array(4097) })).toThrow(RangeError);
  });
});

describe('the PCI configuration access capability (4.1.4.9)', () => {
  /** Points the window at a register of the BAR. */
  const aim = (offset: number, length: number, bar = 0) => {
    const r = driver.registers;
    const { at } = r.capability('pci');
    r.pciWrite(at + 4, 1, bar);
    r.pciWrite(at + 8, 4, offset);
    r.pciWrite(at + 12, 4, length);
    return at + 16;
  };

  it.each([
    [0x14, 1, 0x03],
    [0x16, 2, 0x0001],
    [0x08, 4, 0x8765_4321],
  ] as [number, Width, number][])('reaches register %x with %d bytes', (offset, width, value) => {
    const r = create();
    r.pciWrite(aim(offset, width), width, value);
    expect(r.read(offset, width)).toBe(value);
    expect(r.pciRead(aim(offset, width), width)).toBe(value);
  });

  it('reaches the MSI-X table and the device configuration too', () => {
    const r = create();
    r.pciWrite(aim(0x4008, 4), 4, 0x1234);
    expect(r.read(0x4008, 4)).toBe(0x1234);
    expect(r.pciRead(aim(0x2004, 4), 4)).toBe(0x0807_0605);
  });

  it('shows the first bytes of what it reads to narrower accesses', () => {
    const r = create();
    const window = aim(0x2004, 4);
    expect(r.pciRead(window, 1)).toBe(5);
    expect(r.pciRead(window + 2, 2)).toBe(0x0807);
    expect(r.pciRead(aim(0x2004, 2), 4)).toBe(0x0605);
    expect(r.pciRead(aim(0x2004, 1) + 1, 1)).toBe(0);
  });

  it('writes only the first `length` bytes, and nothing with too few', () => {
    const r = create();
    r.pciWrite(aim(0x16, 2), 4, 0xffff_0001);
    expect(r.get('queue_select')).toBe(1);
    r.pciWrite(aim(0x08, 4), 2, 0xffff);
    r.pciWrite(aim(0x08, 4) + 2, 2, 0xffff);
    expect(r.get('driver_feature_select')).toBe(0);
  });

  it('kicks', () => {
    const r = create();
    r.pciWrite(aim(0x3004, 2), 2, 1);
    expect(driver.doorbells.map(bell => bell.rings)).toEqual([0, 1]);
  });

  it.each([
    ['another BAR', 0x14, 1, 1],
    ['BAR 255', 0x14, 1, 255],
    ['length 0', 0x14, 0, 0],
    ['length 3', 0x14, 3, 0],
    ['length 8', 0x08, 8, 0],
    ['a great length', 0x08, 0xffff_ffff, 0],
    ['an unaligned offset', 0x2001, 2, 0],
    ['an offset half aligned', 0x2002, 4, 0],
    ['an offset behind the BAR', 0x8000, 4, 0],
    ['the greatest offset', 0xffff_ffff, 1, 0],
    ['an end behind the BAR', 0x7ffe, 4, 0],
  ])('does nothing with %s', (_, offset, length, bar) => {
    const r = create();
    const window = aim(offset, length, bar);
    r.pciWrite(window, 4, 0x0101_0101);
    expect(r.pciRead(window, 4)).toBe(0);
    expect(r.get('device_status')).toBe(0);
    expect(r.get('driver_feature_select')).toBe(0);
  });

  it('keeps its other fields', () => {
    const r = create();
    const { at } = r.capability('pci');
    const before = r.pciRead(at, 4);
    r.pciWrite(at, 4, 0xffff_ffff);
    expect(r.pciRead(at, 4)).toBe(before);
    expect(before >>> 16).toBe(0x0514);
  });
});
