import { afterEach, describe, expect, it } from 'vitest';
import { COMMON_REGISTERS, COMMON_SIZE, commonName } from '../../src/virtio/common-config.ts';
import { MockDriver } from '../support/mock-driver.ts';
import { EchoService, echoModel } from './echo.ts';

let driver: MockDriver;
const create = () => {
  driver = MockDriver.create(echoModel(), new EchoService());
  return driver.registers;
};
afterEach(() => driver?.stop());

const COMMON = 0;

describe('the table of the common configuration', () => {
  it('covers every byte of the structure once, in order', () => {
    let at = 0;
    for (const { offset, width } of COMMON_REGISTERS) {
      expect(offset).toBe(at);
      at += width;
    }
    expect(at).toBe(COMMON_SIZE);
  });

  it('names every byte', () => {
    expect(commonName(0x14)).toBe('device_status');
    expect(commonName(0x26)).toBe('queue_desc_high[2]');
    expect(commonName(COMMON_SIZE)).toBeUndefined();
  });
});

describe('the common configuration after power-on', () => {
  it('tells how many queues there are, their sizes and where they are kicked', () => {
    const r = create();
    expect(r.get('num_queues')).toBe(2);
    expect([r.get('queue_size'), r.get('queue_notify_off'), r.get('queue_notify_data')]).toEqual([16, 0, 0]);
    r.set('queue_select', 1);
    expect([r.get('queue_size'), r.get('queue_notify_off'), r.get('queue_notify_data')]).toEqual([8, 1, 1]);
  });

  it('has nothing mapped, enabled or negotiated', () => {
    const r = create();
    expect(r.get('device_status')).toBe(0);
    expect(r.get('config_msix_vector')).toBe(0xffff);
    expect(r.get('queue_msix_vector')).toBe(0xffff);
    expect(r.get('queue_enable')).toBe(0);
    expect(r.get('queue_reset')).toBe(0);
    expect(r.get('driver_feature')).toBe(0);
  });
});

describe('selectors', () => {
  it('beyond the feature words read 0 and take nothing', () => {
    const r = create();
    for (const select of [2, 3, 4, 0x7fff_ffff, 0xffff_ffff]) {
      r.set('device_feature_select', select);
      expect(r.get('device_feature_select')).toBe(select);
      expect(r.get('device_feature')).toBe(0);
      r.set('driver_feature_select', select);
      r.set('driver_feature', 0xffff_ffff);
      expect(r.get('driver_feature')).toBe(0);
    }
    r.set('driver_feature_select', 0);
    expect(r.get('driver_feature')).toBe(0);
  });

  it('beyond the queues show registers that read 0 and take nothing (4.1.4.3.1)', () => {
    const r = create();
    for (const select of [2, 3, 0x100, 0xffff]) {
      r.set('queue_select', select);
      for (const name of [
        'queue_size',
        'queue_msix_vector',
        'queue_enable',
        'queue_notify_off',
        'queue_desc',
      ] as const) {
        r.set(name, 1);
        expect(r.get(name)).toBe(0);
      }
      r.set('queue_reset', 1);
      expect(r.get('queue_reset')).toBe(0);
    }
    expect(r.get('device_status')).toBe(0);
  });
});

describe('accesses of the wrong kind', () => {
  it('change nothing when a write has the wrong width or place', () => {
    const r = create();
    r.write(COMMON + 0x08, 2, 1);
    r.write(COMMON + 0x08, 1, 1);
    r.write(COMMON + 0x0a, 2, 1);
    expect(r.get('driver_feature_select')).toBe(0);
    r.write(COMMON + 0x14, 2, 1);
    r.write(COMMON + 0x14, 4, 1);
    expect(r.get('device_status')).toBe(0);
    r.write(COMMON + 0x16, 1, 1);
    r.write(COMMON + 0x17, 1, 1);
    expect(r.get('queue_select')).toBe(0);
    r.write(COMMON + 0x18, 4, 0x0001_0004);
    expect(r.get('queue_size')).toBe(16);
  });

  it('leave read-only registers as they are', () => {
    const r = create();
    const names = [
      'device_feature',
      'num_queues',
      'config_generation',
      'queue_notify_off',
      'queue_notify_data',
    ] as const;
    for (const name of names) {
      const before = r.get(name);
      r.set(name, 0x5a);
      expect(r.get(name)).toBe(before);
    }
  });

  it('read the bytes that are there, whatever the width', () => {
    const r = create();
    r.set('driver_feature_select', 0x1234_5678);
    expect([0, 1, 2, 3].map(i => r.read(COMMON + 0x08 + i, 1))).toEqual([0x78, 0x56, 0x34, 0x12]);
    expect(r.read(COMMON + 0x0a, 2)).toBe(0x1234);
    r.set('queue_select', 1);
    expect(r.read(COMMON + 0x14, 4)).toBe(0x0001_0000);
    expect(r.read(COMMON + 0x18, 4)).toBe(0xffff_0008);
  });

  it('read 0 where no register is', () => {
    const r = create();
    expect(r.read(COMMON + COMMON_SIZE, 4)).toBe(0);
    expect(r.read(COMMON + 0xffe, 4)).toBe(0);
    expect(r.read(0x7ffc, 4)).toBe(0);
    r.write(0x7ffc, 4, 1);
    expect(r.read(COMMON + 0x3a, 4)).toBe(0);
  });

  it('set 64-bit addresses by halves', () => {
    const r = create();
    r.set('queue_desc', 0x89ab_cdef);
    r.set('queue_desc_high', 0x0123_4567);
    expect(r.get('queue_desc')).toBe(0x89ab_cdef);
    expect(r.get('queue_desc_high')).toBe(0x0123_4567);
    r.set('queue_select', 1);
    expect(r.get('queue_desc')).toBe(0);
  });
});
