import { describe, expect, it } from 'vitest';
import { LockedMac } from '../../../src/devices/net/locked.ts';
import { macBytes } from '../../../src/devices/net/mac.ts';

const OWN = '02:00:00:00:00:01';
const OTHER = '02:00:00:00:00:02';
const ROUTER = '52:54:00:00:00:01';
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const MULTICAST = '33:33:00:00:00:fb';

function head(destination: string, source: string): Uint8Array {
  return Uint8Array.of(...macBytes(destination), ...macBytes(source), 0x08, 0x00);
}

describe('a locked MAC', () => {
  it.each([
    ['its own, to the router', head(ROUTER, OWN), true],
    ['its own, to all', head(BROADCAST, OWN), true],
    ["another guest's", head(ROUTER, OTHER), false],
    ["another guest's, to all", head(BROADCAST, OTHER), false],
    ['one byte off at the end', head(ROUTER, '02:00:00:00:00:00'), false],
    ['one byte off at the start', head(ROUTER, '00:00:00:00:00:01'), false],
    ['a group as source', head(ROUTER, MULTICAST), false],
    ['a frame without a source', head(ROUTER, OWN).subarray(0, 11), false],
  ])('as source lets out %s: %s', (_, frame, passes) => {
    const filter = new LockedMac(macBytes(OWN));
    expect(filter.fromGuest(frame)).toBe(passes);
    expect(filter.drops).toEqual({ foreignSource: passes ? 0 : 1, foreignDestination: 0 });
  });

  it.each([
    ['its own', head(OWN, ROUTER), true],
    ['everybody', head(BROADCAST, ROUTER), true],
    ['a multicast group', head(MULTICAST, ROUTER), true],
    ['another guest', head(OTHER, ROUTER), false],
    ['another guest, from its own address', head(OTHER, OWN), false],
    ['nobody, an empty frame', new Uint8Array(0), false],
  ])('as destination lets in what is for %s', (_, frame, passes) => {
    const filter = new LockedMac(macBytes(OWN));
    expect(filter.toGuest(frame)).toBe(passes);
    expect(filter.drops).toEqual({ foreignSource: 0, foreignDestination: passes ? 0 : 1 });
  });

  it('does not follow the array it was made from', () => {
    const mac = macBytes(OWN);
    const filter = new LockedMac(mac);
    mac[5] = 2;
    expect(filter.fromGuest(head(ROUTER, OWN))).toBe(true);
    expect(filter.fromGuest(head(ROUTER, OTHER))).toBe(false);
  });

  it('counts', () => {
    const filter = new LockedMac(macBytes(OWN));
    for (let i = 0; i < 3; i++) filter.fromGuest(head(ROUTER, OTHER));
    for (let i = 0; i < 5; i++) filter.toGuest(head(OTHER, ROUTER));
    filter.toGuest(head(OWN, ROUTER));
    expect(filter.drops).toEqual({ foreignSource: 3, foreignDestination: 5 });
  });
});
