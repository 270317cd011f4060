import { describe, expect, it } from 'vitest';
import { macBytes, macFor, macText, normalMac, randomMac, whyNoMac } from '../../../src/devices/net/mac.ts';

describe('a MAC address', () => {
  it('is brought into one form', () => {
    expect(normalMac('2:0:A:fF:00:9')).toBe('02:00:0a:ff:00:09');
    expect(macText(macBytes('52:54:00:12:34:56'))).toBe('52:54:00:12:34:56');
  });

  it('is made up unicast and locally administered, and another one each time', () => {
    const macs = Array.from({ length: 200 }, randomMac);
    for (const mac of macs) expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
    expect(new Set(macs).size).toBe(200);
  });

  it('is the same for the same words', () => {
    expect(macFor('guest', '3')).toBe(macFor('guest', '3'));
    expect(macFor('guest', '3')).not.toBe(macFor('guest', '4'));
    expect(macFor('ab', 'c')).not.toBe(macFor('a', 'bc'));
    expect(whyNoMac(macFor(''))).toBeUndefined();
    expect(macFor('guest', '3')).toMatch(/^[0-9a-f][26ae]:/);
  });
});
