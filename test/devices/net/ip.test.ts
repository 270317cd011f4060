import { describe, expect, it } from 'vitest';
import { ipNumber, ipText, netmask } from '../../../src/devices/net/ip.ts';

describe('an IPv4 address', () => {
  it.each([
    ['0.0.0.0', 0],
    ['10.1.2.3', 0x0a010203],
    ['255.255.255.255', 0xffffffff],
  ])('%s is a number and back', (text, number) => {
    expect(ipNumber(text)).toBe(number);
    expect(ipText(number)).toBe(text);
  });

  it('has a network of so many bits', () => {
    expect([0, 1, 24, 31, 32].map(prefix => ipText(netmask(prefix)))).toEqual([
      '0.0.0.0',
      '128.0.0.0',
      '255.255.255.0',
      '255.255.255.254',
      '255.255.255.255',
    ]);
  });
});
