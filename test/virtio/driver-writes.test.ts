import { afterEach, describe, expect, it } from 'vitest';
import { log } from '../../src/base/log.ts';
import { RING_EVENT_IDX, RING_INDIRECT_DESC, RING_RESET, VERSION_1 } from '../../src/virtio/features.ts';
import { MockDriver, type MockDriverOptions } from '../support/mock-driver.ts';
import { ECHO_DEPENDENT, ECHO_FEATURE, EchoService, echoModel, turns } from './echo.ts';

let driver: MockDriver;
let service: EchoService;
const create = (options: MockDriverOptions = {}) => {
  service = new EchoService();
  driver = MockDriver.create(echoModel(), service, options);
  return driver.registers;
};
afterEach(() => driver?.stop());

describe('feature negotiation', () => {
  it('offers the device and the generic features, and nothing else (2.2)', () => {
    create();
    const generic = VERSION_1 | RING_INDIRECT_DESC | RING_EVENT_IDX | RING_RESET;
    expect(driver.offered).toBe(ECHO_FEATURE | ECHO_DEPENDENT | generic);
  });

  it('keeps of what the driver writes only what is offered', () => {
    const r = create();
    for (const select of [0, 1]) {
      r.set('driver_feature_select', select);
      r.set('driver_feature', 0xffff_ffff);
      r.set('device_feature_select', select);
      expect(r.get('driver_feature')).toBe(r.get('device_feature'));
    }
  });

  it('lets the driver change its mind before FEATURES_OK, and not after', () => {
    const r = create();
    r.set('driver_feature', Number(ECHO_FEATURE));
    r.set('driver_feature', 0);
    expect(r.get('driver_feature')).toBe(0);
    expect(driver.negotiate(VERSION_1)).toBe(true);
    r.set('driver_feature_select', 0);
    r.set('driver_feature', Number(ECHO_FEATURE));
    expect(r.get('driver_feature')).toBe(0);
    expect(driver.function.transport.features).toBe(VERSION_1);
  });

  it('agrees on nothing before FEATURES_OK', () => {
    const r = create();
    r.set('driver_feature', Number(ECHO_FEATURE));
    expect(driver.function.transport.features).toBe(0n);
  });

  it.each([
    ['no VERSION_1', ECHO_FEATURE],
    ['a feature without the one it needs', VERSION_1 | ECHO_DEPENDENT],
  ])('lets FEATURES_OK not stick for %s (2.2.2)', (_, features) => {
    create();
    expect(driver.negotiate(features)).toBe(false);
    expect(driver.status).toBe(3);
    driver.status = 0xf;
    expect(driver.status).toBe(3);
    expect(driver.negotiate(VERSION_1)).toBe(true);
    expect(driver.status).toBe(0xb);
  });
});

describe('the status byte', () => {
  it('only gains bits, and not the one that belongs to the device', () => {
    create();
    driver.status = 1;
    driver.status = 2;
    expect(driver.status).toBe(3);
    driver.status = 0x40 | 0x30;
    expect(driver.status).toBe(3);
    driver.status = 0x80;
    expect(driver.status).toBe(0x83);
  });

  it('takes no DRIVER_OK without FEATURES_OK (3.1.1)', () => {
    create();
    driver.status = 7;
    expect(driver.status).toBe(3);
  });

  it('returns to 0 at once when nothing runs', () => {
    const r = create();
    driver.negotiate();
    r.set('queue_size', 4);
    driver.status = 0;
    expect(driver.status).toBe(0);
    expect(r.get('queue_size')).toBe(16);
    expect(r.get('driver_feature')).toBe(0);
  });

  it('lets nothing be consumed before DRIVER_OK (2.1.2)', async () => {
    create();
    driver.negotiate();
    const queue = driver.enableQueue(0);
    const reply = queue.submit([Uint8Array.of(1, 2)], [2]);
    await turns();
    expect([queue.usedIdx, service.running]).toEqual([0, 0]);
    driver.status = 0xf;
    driver.registers.enableMsix(3);
    expect((await reply).written).toBe(2);
  });

  it('lets nothing be consumed after FAILED', async () => {
    service = new EchoService();
    driver = await MockDriver.start(echoModel(), service);
    await turns();
    expect(service.running).toBe(2);
    driver.status = 0x8f;
    await turns();
    expect(service.running).toBe(0);
  });
});

describe('a queue', () => {
  it.each([
    [8, 8],
    [16, 16],
    [32, 16],
    [0x8000, 16],
    [0, 16],
    [12, 16],
    [0xffff, 16],
    [1, 1],
  ])('written a size of %d reads %d', (written, read) => {
    const r = create();
    r.set('queue_size', written);
    expect(r.get('queue_size')).toBe(read);
  });

  it('keeps size and addresses while it is enabled (3.1.1)', () => {
    const r = create();
    driver.negotiate();
    const queue = driver.enableQueue(0);
    r.set('queue_size', 4);
    expect(r.get('queue_size')).toBe(16);
    for (const [name, address] of [
      ['queue_desc', queue.desc],
      ['queue_driver', queue.avail],
      ['queue_device', queue.used],
    ] as const) {
      r.setAddress(name, 0xdead_0000_0000n);
      expect([r.get(name), r.get(`${name}_high`)]).toEqual([address, 0]);
    }
  });

  it('is not disabled by writing 0, nor enabled by anything but 1 (4.1.4.3.2)', () => {
    const r = create();
    driver.negotiate();
    r.set('queue_enable', 2);
    expect(r.get('queue_enable')).toBe(0);
    driver.enableQueue(0);
    r.set('queue_enable', 0);
    expect(r.get('queue_enable')).toBe(1);
  });

  it.each([
    ['descriptor table', 'queue_desc', 0x1008n, /descriptor table at 0x1008 is not aligned/],
    ['descriptor table', 'queue_desc', 0xffff_ffff_ffff_fff0n, /descriptor table .* is not RAM/],
    ['available ring', 'queue_driver', 0x100_0000n, /available ring .* is not RAM/],
    ['used ring', 'queue_device', 0xff_fff0n, /used ring .* is not RAM/],
  ] as const)('whose %s is in the wrong place costs the guest its device', (_, name, address, message) => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    const r = create();
    driver.negotiate();
    r.setAddress('queue_desc', 0x1000);
    r.setAddress('queue_driver', 0x2000);
    r.setAddress('queue_device', 0x3000);
    r.setAddress(name, address);
    r.set('queue_enable', 1);
    expect(r.get('queue_enable')).toBe(0);
    expect(driver.status).toBe(0x4b);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
    // Before DRIVER_OK there is nothing to notify (2.1.2).
    expect(driver.configInterrupts).toBe(0);
    driver.status = 0;
    expect(driver.status).toBe(0);
  });

  it('with a vector that does not exist reads back NO_VECTOR (4.1.5.1.2.1)', () => {
    const r = create();
    for (const name of ['queue_msix_vector', 'config_msix_vector'] as const) {
      r.set(name, 2);
      expect(r.get(name)).toBe(2);
      r.set(name, 3);
      expect(r.get(name)).toBe(0xffff);
    }
    r.set('queue_msix_vector', 0);
    r.set('config_msix_vector', 1);
    driver.status = 0;
    expect([r.get('queue_msix_vector'), r.get('config_msix_vector')]).toEqual([0xffff, 0xffff]);
  });

  it('is reset at once before DRIVER_OK, and not at all unless RING_RESET was negotiated (2.6.1)', () => {
    const r = create();
    driver.negotiate(~RING_RESET);
    driver.enableQueue(0);
    r.set('queue_reset', 1);
    expect([r.get('queue_reset'), r.get('queue_enable')]).toEqual([0, 1]);
    driver.status = 0;
    driver.negotiate();
    driver.enableQueue(0);
    r.set('queue_reset', 0);
    expect(r.get('queue_enable')).toBe(1);
    r.set('queue_reset', 1);
    expect([r.get('queue_reset'), r.get('queue_enable'), r.get('queue_desc')]).toEqual([0, 0, 0]);
  });
});
