import { describe, expect, it } from 'vitest';
import { ipNumber } from '../../../../src/devices/net/ip.ts';
import { checksumOf } from '../../../../src/devices/net/local/checksum.ts';
import { buildDatagram, type Datagram, parseDatagram } from '../../../../src/devices/net/local/internet.ts';
import { macBytes } from '../../../../src/devices/net/mac.ts';

const DATAGRAM: Datagram = {
  destinationMac: macBytes('02:00:00:00:00:01'),
  sourceMac: macBytes('02:00:00:00:00:02'),
  source: ipNumber('192.168.0.1'),
  destination: ipNumber('192.168.0.199'),
  sourcePort: 68,
  destinationPort: 67,
  payload: Buffer.from('hello'),
};

/** The frame above after a change at an offset, its IP checksum made right again. */
function changed(change: (frame: Uint8Array) => void): Uint8Array {
  const frame = buildDatagram(DATAGRAM);
  change(frame);
  frame[24] = 0;
  frame[25] = 0;
  const sum = checksumOf(frame.subarray(14, 14 + Math.max(20, (frame[14]! & 15) * 4)));
  frame.set([sum >> 8, sum & 0xff], 24);
  return frame;
}

describe('a datagram in a frame', () => {
  it('is these bytes', () => {
    expect(Buffer.from(buildDatagram(DATAGRAM)).toString('hex')).toBe(
      `020000000001${'020000000002'}0800${'450000210000000040'}11f8b3c0a80001c0a800c7${'00440043000d'}396268656c6c6f`,
    );
  });

  it('is read back', () => {
    const parsed = parseDatagram(buildDatagram(DATAGRAM));
    expect({ ...parsed, payload: Buffer.from(parsed!.payload).toString() }).toEqual({ ...DATAGRAM, payload: 'hello' });
  });

  it('may be followed by padding', () => {
    const padded = new Uint8Array(60);
    padded.set(buildDatagram(DATAGRAM));
    expect(Buffer.from(parseDatagram(padded)!.payload).toString()).toBe('hello');
  });

  it('may have IP options', () => {
    const plain = buildDatagram(DATAGRAM);
    const frame = new Uint8Array(plain.length + 40).fill(1, 34, 74); // "no operation", forty times
    frame.set(plain.subarray(0, 34));
    frame.set(plain.subarray(34), 74);
    frame.set([0x4f, 0, 0, plain.length + 26], 14);
    frame.set([0, 0], 24);
    const sum = checksumOf(frame.subarray(14, 74));
    frame.set([sum >> 8, sum & 0xff], 24);
    expect(Buffer.from(parseDatagram(frame)!.payload).toString()).toBe('hello');
  });

  it('may come without checksum, or with one that the device is to finish', () => {
    expect(parseDatagram(changed(frame => frame.set([0, 0], 40)))).toBeDefined();
    const pseudo = 0xc0a8 + 0x0001 + 0xc0a8 + 0x00c7 + 17 + 13;
    const partial = (pseudo & 0xffff) + (pseudo >> 16);
    expect(parseDatagram(changed(frame => frame.set([partial >> 8, partial & 0xff], 40)))).toBeDefined();
  });

  it('with a checksum of 0 says all ones', () => {
    for (let n = 0; n < 65536; n++) {
      const frame = buildDatagram({ ...DATAGRAM, payload: Uint8Array.of(n >> 8, n) });
      if (frame[40] === 0xff && frame[41] === 0xff) return;
      expect([frame[40], frame[41]]).not.toEqual([0, 0]);
    }
    throw new Error('no payload gave that checksum');
  });

  it.each<[string, (frame: Uint8Array) => void]>([
    ['another protocol than IPv4', frame => frame.set([0x86, 0xdd], 12)],
    ['another version', frame => frame.set([0x65], 14)],
    ['a header of four words', frame => frame.set([0x44], 14)],
    ['a header beyond the end', frame => frame.set([0x4f], 14)],
    ['a length beyond the frame', frame => frame.set([0xff, 0xff], 16)],
    ['a length less than the headers', frame => frame.set([0, 27], 16)],
    ['another protocol than UDP', frame => frame.set([6], 23)],
    ['a fragment, the first', frame => frame.set([0x20, 0], 20)],
    ['a fragment, a later one', frame => frame.set([0, 1], 20)],
    ['a UDP length beyond the packet', frame => frame.set([0, 14], 38)],
    ['a UDP length less than its header', frame => frame.set([0, 7], 38)],
    ['a wrong UDP checksum', frame => frame.set([0x12, 0x34], 40)],
  ])('is none with %s', (_, change) => {
    expect(parseDatagram(changed(() => {}))).toBeDefined();
    expect(parseDatagram(changed(change))).toBeUndefined();
  });

  it('is none with a wrong IP checksum, or cut anywhere', () => {
    const frame = buildDatagram(DATAGRAM);
    frame[24]! ^= 1;
    expect(parseDatagram(frame)).toBeUndefined();
    frame[24]! ^= 1;
    for (let n = 0; n < frame.length; n++) expect(parseDatagram(frame.subarray(0, n))).toBeUndefined();
  });
});
