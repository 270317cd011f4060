import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostError } from '../../src/base/errors.ts';
import { monitorLinks } from '../../src/host/link-monitor.ts';
import { NetDevices } from '../../src/host/netdevice.ts';
import { enterOwnNetwork, ip, whyNoNetwork } from '../support/network-namespace.ts';

describe.skipIf(whyNoNetwork())('network interfaces', () => {
  let devices: NetDevices;
  beforeAll(() => {
    enterOwnNetwork();
    ip('tuntap add dev t0 mode tap');
    devices = new NetDevices();
  });
  afterAll(() => devices?.close());

  it('are found by name and by index', () => {
    const index = devices.index('t0')!;
    expect(ip('-o link show t0')).toMatch(new RegExp(`^${index}:`));
    expect(devices.name(index)).toBe('t0');
    expect([devices.index('t1'), devices.name(12345)]).toEqual([undefined, undefined]);
    expect(devices.name(devices.index('lo')!)).toBe('lo');
  });

  it('are switched on, addressed, and given a packet size', () => {
    expect(devices.isUp('t0')).toBe(false);
    devices.setMtu('t0', 1300);
    devices.setAddress('t0', '10.5.0.9', 22);
    devices.setUp('t0');
    expect([devices.isUp('t0'), devices.isUp('lo')]).toEqual([true, true]);
    expect(devices.mtu('t0')).toBe(1300);
    expect(ip('-o -4 addr show t0')).toContain('10.5.0.9/22');
  });

  it('that are not there are an error with a name', () => {
    for (const ask of [() => devices.mtu('t9'), () => devices.setUp('t9'), () => devices.isUp('t9')]) {
      expect(ask).toThrow(HostError);
    }
    expect(() => devices.addToBridge('lo', devices.index('t0')!)).toThrow(/SIOCBRADDIF failed with EOPNOTSUPP/);
  });

  it('make news when they change', async () => {
    let news = 0;
    const monitor = monitorLinks(() => news++);
    ip('link set t0 mtu 1400');
    await expect.poll(() => news).toBeGreaterThan(0);
    monitor.close();
    const heard = news;
    ip('link set t0 mtu 1300');
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(news).toBe(heard);
  });
});
