import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../../src/base/log.ts';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { pairOf } from '../../../../src/devices/net/local/addresses.ts';
import { buildDhcp, type DhcpMessage, parseDhcp } from '../../../../src/devices/net/local/dhcp-message.ts';
import { DhcpResponder } from '../../../../src/devices/net/local/dhcp-responder.ts';
import { buildDatagram, type Datagram, parseDatagram } from '../../../../src/devices/net/local/internet.ts';
import { leaseFor } from '../../../../src/devices/net/local/lease.ts';
import { macBytes, macText } from '../../../../src/devices/net/mac.ts';
import { Random } from '../../../boot/support/random.ts';

const MAC = macBytes('02:00:00:00:00:01');
const ALL = 0xffff_ffff;
const HOST = ipNumber('100.64.1.0');
const GUEST = ipNumber('100.64.1.1');
const lease = leaseFor(pairOf(1, 0), undefined, { nameServers: [], domain: undefined });

let lines: string[];
beforeEach(() => {
  lines = [];
  log.setSink(line => lines.push(line));
});
afterEach(() => log.setVerbose(false));

function frame(options: [number, number[]][], message: Partial<DhcpMessage> = {}, datagram: Partial<Datagram> = {}) {
  const payload = buildDhcp({
    ...{ operation: 1, transaction: 5, flags: 0, clientAddress: 0, yourAddress: 0, relayAddress: 0, mac: MAC },
    options: new Map(options.map(([code, value]) => [code, Uint8Array.from(value)])),
    ...message,
  });
  return buildDatagram({
    ...{ destinationMac: new Uint8Array(6).fill(0xff), sourceMac: MAC, source: 0, destination: ALL },
    ...{ sourcePort: 68, destinationPort: 67, payload },
    ...datagram,
  });
}

const DISCOVER: [number, number[]][] = [[53, [1]]];
const REQUEST: [number, number[]][] = [[53, [3]]];
const word = (ip: number) => [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255];

/** What came back, as far as the envelope goes. */
function envelope(answer: Uint8Array | 'drop' | undefined) {
  if (!(answer instanceof Uint8Array)) return answer;
  const { payload, ...rest } = parseDatagram(answer)!;
  const { yourAddress, options } = parseDhcp(payload)!;
  return {
    ...rest,
    destinationMac: macText(rest.destinationMac),
    sourceMac: '',
    yourAddress,
    type: options.get(53)?.[0],
  };
}

describe('DHCP between guest and launcher', () => {
  const responder = new DhcpResponder('net0', lease);
  const ask = (bytes: Uint8Array) => {
    expect(responder.wants(bytes.subarray(0, 64))).toBe(true);
    return responder.answer(bytes);
  };
  const sent = { sourceMac: '', source: HOST, sourcePort: 67, destinationPort: 68 };
  const toCard = { ...sent, destinationMac: '02:00:00:00:00:01' };
  const toAll = { ...sent, destinationMac: 'ff:ff:ff:ff:ff:ff', destination: ALL };

  it('answers a card that has no address yet', () => {
    const offer = { ...toCard, destination: GUEST, yourAddress: GUEST, type: 2 };
    expect(envelope(ask(frame(DISCOVER)))).toEqual(offer);
    const ack = { ...offer, type: 5 };
    expect(envelope(ask(frame([...REQUEST, [50, word(GUEST)], [54, word(HOST)]])))).toEqual(ack);
  });

  it('answers all where the client asks for that, and refuses before all', () => {
    expect(envelope(ask(frame(DISCOVER, { flags: 0x8000 })))).toEqual({ ...toAll, yourAddress: GUEST, type: 2 });
    expect(envelope(ask(frame([...REQUEST, [50, word(1)]])))).toEqual({ ...toAll, yourAddress: 0, type: 6 });
    expect(envelope(ask(frame(REQUEST, { clientAddress: 1 })))).toEqual({ ...toAll, yourAddress: 0, type: 6 });
  });

  it('answers one that renews where it is', () => {
    const renewal = frame(REQUEST, { clientAddress: GUEST, flags: 0x8000 }, { source: GUEST, destination: HOST });
    expect(envelope(ask(renewal))).toEqual({ ...toCard, destination: GUEST, yourAddress: GUEST, type: 5 });
    expect(envelope(ask(frame([[53, [8]]], { clientAddress: 9 })))).toMatchObject({
      destination: 9,
      yourAddress: 0,
      type: 5,
    });
  });

  it('drops what has no answer, so that no server on the host hears it', () => {
    expect(ask(frame([[53, [7]]], { clientAddress: GUEST }, { destination: HOST }))).toBe('drop');
    expect(
      ask(
        frame([
          [53, [3]],
          [54, word(1)],
          [50, word(GUEST)],
        ]),
      ),
    ).toBe('drop');
    expect(ask(frame([[53, [1, 1]]]))).toBe('drop');
    expect(ask(frame(DISCOVER, {}, { payload: new Uint8Array(10) }))).toBe('drop');
    expect(ask(frame(DISCOVER, {}, { payload: new Uint8Array(1200) }))).toBe('drop');
  });

  it('drops a broken datagram for the server', () => {
    const wrongSum = frame(DISCOVER);
    wrongSum[41]! ^= 1;
    expect(ask(wrongSum)).toBe('drop');
    expect(ask(frame(DISCOVER).subarray(0, 100))).toBe('drop');
  });

  it('leaves everything else to the host', () => {
    const arp = new Uint8Array(42);
    arp.set([0x08, 0x06], 12);
    for (const other of [
      arp,
      new Uint8Array(14),
      frame(DISCOVER, {}, { destinationPort: 53 }),
      frame(DISCOVER).subarray(0, 41),
    ])
      expect(responder.wants(other.subarray(0, 64))).toBe(false);
    expect(ask(frame(DISCOVER, {}, { destination: ipNumber('192.0.2.1') }))).toBeUndefined();
  });

  it('looks for the port behind IP options', () => {
    const plain = frame(DISCOVER, {}, { destinationPort: 53 });
    const long = Uint8Array.of(...plain.subarray(0, 34), ...new Uint8Array(40).fill(1), ...plain.subarray(34));
    long[14] = 0x4f;
    expect(responder.wants(long.subarray(0, 64))).toBe(true);
    expect(responder.answer(long)).toBeUndefined();
  });

  it('tells who asked for what', () => {
    log.setVerbose(true);
    ask(frame(DISCOVER));
    ask(frame([[53, [7]]]));
    ask(frame([[53, [77]]]));
    expect(lines.join('')).toMatch(
      /^tslaunch: net0: DHCP DISCOVER from 02:00:00:00:00:01: OFFER 100\.64\.1\.1\n.* RELEASE .*: no answer\n.* type 77 /s,
    );
  });

  it('warns of an address that is not free', () => {
    expect(
      ask(
        frame([
          [53, [4]],
          [50, word(GUEST)],
        ]),
      ),
    ).toBe('drop');
    expect(lines.join('')).toMatch(/net0: the guest declines 100\.64\.1\.1/);
  });

  it('survives anything', () => {
    const seed = 20261120;
    const random = new Random(seed);
    const originals = [
      frame(DISCOVER),
      frame([...REQUEST, [50, word(GUEST)], [54, word(HOST)], [12, [65, 66]], [55, [1, 3, 6]], [52, [3]]]),
      frame(REQUEST, { clientAddress: GUEST }, { source: GUEST, destination: HOST }),
    ];
    let answers = 0;
    for (let round = 0; round < 20_000; round++) {
      const original = random.pick(originals);
      const bytes = original.slice(0, random.chance(0.2) ? random.below(original.length + 1) : original.length);
      for (let n = random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      // Most changes should get past the checksum.
      if (bytes.length > 42 && random.chance(0.8)) bytes.set([0, 0], 40);
      const before = bytes.slice();
      const answer = responder.wants(bytes.subarray(0, 64)) ? responder.answer(bytes) : undefined;
      if (answer instanceof Uint8Array) {
        answers++;
        expect(parseDhcp(parseDatagram(answer)!.payload)?.operation, `seed ${seed}, round ${round}`).toBe(2);
      }
      expect(Buffer.compare(bytes, before), `seed ${seed}, round ${round}`).toBe(0);
    }
    expect(answers).toBeGreaterThan(1000);
  });
});
