import { describe, expect, it } from 'vitest';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { buildDhcp, type DhcpMessage } from '../../../../src/devices/net/local/dhcp-message.ts';
import { type Lease, replyTo } from '../../../../src/devices/net/local/dhcp-server.ts';
import { macBytes } from '../../../../src/devices/net/mac.ts';

const HOST = ipNumber('100.64.1.0');
const GUEST = ipNumber('100.64.1.1');
const OTHER = ipNumber('192.168.1.7');
const LEASE: Lease = {
  host: HOST,
  guest: GUEST,
  prefix: 31,
  nameServers: [ipNumber('9.9.9.9'), ipNumber('1.1.1.1')],
  hostName: 'vm1',
  domain: 'example.org',
  mtu: 1400,
  seconds: 3600,
};
const CONFIGURATION = {
  1: 'fffffffe',
  3: '64400100',
  6: '0909090901010101',
  12: Buffer.from('vm1').toString('hex'),
  15: Buffer.from('example.org').toString('hex'),
  26: '0578',
};
const TIMES = { 51: '00000e10', 58: '00000708', 59: '00000c4e' };
const SERVER = { 54: '64400100' };

function request(type: number | undefined, fields: Partial<DhcpMessage> = {}, options: Record<number, number> = {}) {
  const all = new Map(Object.entries(options).map(([code, ip]) => [Number(code), word(ip)]));
  if (type !== undefined) all.set(53, Uint8Array.of(type));
  return {
    ...{ operation: 1, transaction: 77, flags: 0, clientAddress: 0, yourAddress: 0, relayAddress: 0 },
    ...{ mac: macBytes('02:00:00:00:00:01'), options: all },
    ...fields,
  };
}

function word(ip: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, ip);
  return bytes;
}

function asked(message: DhcpMessage, lease = LEASE) {
  const reply = replyTo(message, lease);
  if (reply === undefined) return undefined;
  const options = Object.fromEntries(
    [...reply.options].map(([code, value]) => [code, Buffer.from(value).toString('hex')]),
  );
  expect(reply).toMatchObject({
    operation: 2,
    transaction: 77,
    relayAddress: 0,
    mac: message.mac,
    flags: message.flags,
  });
  return { clientAddress: reply.clientAddress, yourAddress: reply.yourAddress, options };
}

const ACK = { clientAddress: 0, yourAddress: GUEST, options: { 53: '05', ...SERVER, ...TIMES, ...CONFIGURATION } };
const NAK = { clientAddress: 0, yourAddress: 0, options: { 53: '06', ...SERVER } };

describe('the server of one client', () => {
  it('offers the address, whatever was wished for', () => {
    const offer = { ...ACK, options: { ...ACK.options, 53: '02' } };
    expect(asked(request(1))).toEqual(offer);
    expect(asked(request(1, { flags: 0x8000 }, { 50: OTHER }))).toEqual(offer);
  });

  it('grants what it has offered', () => {
    expect(asked(request(3, {}, { 50: GUEST, 54: HOST }))).toEqual(ACK);
  });

  it('grants it to a client that remembers it, and to one that renews', () => {
    expect(asked(request(3, {}, { 50: GUEST }))).toEqual(ACK);
    expect(asked(request(3, { clientAddress: GUEST }))).toEqual({ ...ACK, clientAddress: GUEST });
  });

  it('refuses any other', () => {
    expect(asked(request(3, {}, { 50: OTHER, 54: HOST }))).toEqual(NAK);
    expect(asked(request(3, {}, { 50: OTHER }))).toEqual(NAK);
    expect(asked(request(3, { clientAddress: OTHER }))).toEqual(NAK);
    expect(asked(request(3, {}, { 50: HOST }))).toEqual(NAK);
  });

  it('tells a client with an address of its own the rest', () => {
    expect(asked(request(8, { clientAddress: OTHER }))).toEqual({
      clientAddress: OTHER,
      yourAddress: 0,
      options: { 53: '05', ...SERVER, ...CONFIGURATION },
    });
  });

  it('answers BOOTP', () => {
    expect(asked(request(undefined))).toEqual({ clientAddress: 0, yourAddress: GUEST, options: CONFIGURATION });
  });

  it.each<[string, DhcpMessage]>([
    ['a choice of another server', request(3, {}, { 50: GUEST, 54: OTHER })],
    ['a request for no address', request(3)],
    ['a decline', request(4, {}, { 50: GUEST, 54: HOST })],
    ['a release', request(7, { clientAddress: GUEST }, { 54: HOST })],
    ['a server', request(2)],
    ['a type that there is not', request(99)],
    ['a reply', request(1, { operation: 2 })],
    ['a relay', request(1, { relayAddress: OTHER })],
    ['a group of cards', request(1, { mac: macBytes('01:00:5e:00:00:01') })],
    ['no card', request(1, { mac: new Uint8Array(6) })],
  ])('has no answer to %s', (_, message) => {
    expect(asked(message)).toBeUndefined();
  });

  it('leaves out what it does not know', () => {
    const { 1: mask, 3: router, 12: name } = CONFIGURATION;
    const lease = { ...LEASE, nameServers: [], domain: undefined, mtu: undefined };
    expect(asked(request(undefined), lease)?.options).toEqual({ 1: mask, 3: router, 12: name });
  });

  it('stays within what every client takes', () => {
    const lease = { ...LEASE, nameServers: [1, 2, 3], domain: 'd'.repeat(128), hostName: 'vm16383' };
    expect(buildDhcp(replyTo(request(1), lease)!).length).toBeLessThanOrEqual(576 - 28);
  });
});
