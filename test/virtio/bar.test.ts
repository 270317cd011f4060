import { afterEach, describe, expect, it } from 'vitest';
import { log } from '../../src/base/log.ts';
import { MockDriver } from '../support/mock-driver.ts';
import { EchoService, echoModel, turns } from './echo.ts';

let driver: MockDriver;
let service: EchoService;
const create = () => {
  service = new EchoService();
  driver = MockDriver.create(echoModel(), service);
  return driver.registers;
};
afterEach(() => driver?.stop());

describe('device configuration space', () => {
  it('is readable from the start, with any width, also across its end (2.5.2)', () => {
    const r = create();
    expect(driver.readConfig()).toEqual(echoModel().config);
    expect(r.read(0x2000, 4)).toBe(0x0403_0201);
    expect(r.read(0x2001, 2)).toBe(0x0302);
    expect(r.read(0x2008, 4)).toBe(0x0a09);
    expect(r.read(0x200a, 4)).toBe(0);
    expect(r.read(0x2fff, 4)).toBe(0);
  });

  it('takes writes into writable fields of their own width, and tells main', async () => {
    create();
    driver.writeConfig(4, 4, 0xcafe_f00d);
    driver.writeConfig(2, 1, 9);
    expect([...driver.readConfig()]).toEqual([1, 2, 9, 4, 0x0d, 0xf0, 0xfe, 0xca, 9, 10]);
    await turns();
    expect(service.log).toEqual(['config 1,2,9,4,13,240,254,202,9,10']);
  });

  it('takes no others', async () => {
    const r = create();
    driver.writeConfig(0, 1, 0xff);
    driver.writeConfig(2, 2, 0xffff);
    driver.writeConfig(3, 1, 0xff);
    driver.writeConfig(4, 1, 0xff);
    driver.writeConfig(4, 2, 0xff);
    driver.writeConfig(5, 1, 0xff);
    driver.writeConfig(9, 4, 0xff);
    r.write(0x2fff, 4, 0xff);
    expect(driver.readConfig()).toEqual(echoModel().config);
    await turns();
    expect(service.log).toEqual([]);
  });

  it('leaves the last word to the field', () => {
    create();
    driver.writeConfig(2, 1, 200);
    expect(driver.readConfig()[2]).toBe(3);
  });

  it('changes its generation with every change of the device (4.1.4.3.1)', () => {
    const r = create();
    const seen = new Set([r.get('config_generation')]);
    for (let i = 0; i < 5; i++) {
      driver.function.transport.changeConfig(config => {
        config[0] = i;
      });
      expect(driver.readConfig()[0]).toBe(i);
      seen.add(r.get('config_generation'));
    }
    expect(seen.size).toBe(6);
    const before = r.get('config_generation');
    driver.status = 1;
    driver.status = 0;
    expect(r.get('config_generation')).toBe(before);
  });

  it('knows whether the driver has looked since the last change', () => {
    create();
    const { transport } = driver.function;
    const changed = () => transport.changeConfig(() => {});
    changed();
    expect(transport.configSeen).toBe(false);
    driver.readConfig();
    expect(transport.configSeen).toBe(true);
    changed();
    expect(transport.configSeen).toBe(false);
  });

  it('returns what the driver wrote to its first value on reset, and keeps what the device changed', async () => {
    create();
    driver.negotiate();
    driver.setUp();
    driver.writeConfig(4, 4, 0);
    driver.function.transport.changeConfig(config => {
      config[0] = 0x77;
    });
    await driver.reset();
    expect([...driver.readConfig()]).toEqual([0x77, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await turns();
    expect(service.log.slice(-2)).toEqual(['reset', 'config 119,2,3,4,5,6,7,8,9,10']);
  });

  it('tells main of a first value that came back before DRIVER_OK', async () => {
    create();
    driver.writeConfig(2, 1, 9);
    await turns();
    driver.status = 0;
    expect(driver.status).toBe(0);
    await turns();
    expect(service.log).toEqual(['config 1,2,9,4,5,6,7,8,9,10', 'config 1,2,3,4,5,6,7,8,9,10']);
    driver.negotiate();
    expect(driver.status).toBe(0xb);
  });
});

describe('the notify region', () => {
  it('rings the bell of the queue at each address', () => {
    const r = create();
    r.write(0x3000, 2, 0);
    r.write(0x3004, 2, 1);
    r.write(0x3004, 2, 1);
    expect(driver.doorbells.map(bell => bell.rings)).toEqual([1, 2]);
  });

  it('ignores other addresses and widths, and reads 0', () => {
    const r = create();
    r.write(0x3002, 2, 0);
    r.write(0x3001, 1, 0);
    r.write(0x3008, 2, 2);
    r.write(0x3ffc, 2, 1023);
    r.write(0x3000, 1, 0);
    r.write(0x3000, 4, 0);
    expect(driver.doorbells.map(bell => bell.rings)).toEqual([0, 0]);
    expect(r.read(0x3000, 4)).toBe(0);
  });
});

describe('the ISR status', () => {
  it('is a byte that cannot be written', () => {
    const r = create();
    r.write(0x1000, 1, 3);
    expect(r.isr()).toBe(0);
    expect(r.read(0x1001, 1)).toBe(0);
  });
});

describe('a write that nothing takes', () => {
  it('is narrated with the register it meant', () => {
    const lines: string[] = [];
    log.setSink(line => lines.push(line));
    log.setVerbose(true);
    try {
      create().write(0x14, 4, 0xf);
    } finally {
      log.setVerbose(false);
    }
    expect(lines).toContain('tslaunch: echo0: ignored a write of 4 bytes, 0xf, to device_status\n');
  });
});
