import { describe, expect, it } from 'vitest';
import { describeError, UsageError } from '../../../src/base/errors.ts';
import { parseTunnetOption, parseTunnetOptions } from '../../../src/devices/net/tunnet-option.ts';

const PLAIN = { locked: false, queues: 1 };

describe('--tunnet', () => {
  it.each([
    ['192.168.5.1', { kind: 'address', address: { ip: '192.168.5.1', prefix: 24 }, ...PLAIN }],
    ['10.0.0.1/8', { kind: 'address', address: { ip: '10.0.0.1', prefix: 8 }, ...PLAIN }],
    ['10.0.0.0/31', { kind: 'address', address: { ip: '10.0.0.0', prefix: 31 }, ...PLAIN }],
    [
      '10.0.0.1:02:0:A:ff:00:9',
      { kind: 'address', address: { ip: '10.0.0.1', prefix: 24 }, mac: '02:00:0a:ff:00:09', ...PLAIN },
    ],
    ['bridge:br0', { kind: 'bridge', bridge: 'br0', ...PLAIN }],
    ['bridge:br-lan.2:52:54:00:12:34:56', { kind: 'bridge', bridge: 'br-lan.2', mac: '52:54:00:12:34:56', ...PLAIN }],
    ['tap:fifteen-letters', { kind: 'tap', tap: 'fifteen-letters', ...PLAIN }],
    ['local', { kind: 'local', ...PLAIN }],
    ['local:02:00:00:00:00:01,locked', { kind: 'local', mac: '02:00:00:00:00:01', locked: true, queues: 1 }],
    ['none,mac=02:00:00:00:00:01', { kind: 'none', mac: '02:00:00:00:00:01', ...PLAIN }],
    ['tap:t,mtu=9000,queues=4,locked', { kind: 'tap', tap: 't', mtu: 9000, locked: true, queues: 4 }],
    ['tap:t,mtu=68', { kind: 'tap', tap: 't', mtu: 68, ...PLAIN }],
    ['tap:t,mtu=65535', { kind: 'tap', tap: 't', mtu: 65535, ...PLAIN }],
  ])('%s', (text, expected) => {
    expect(parseTunnetOption(text)).toEqual(expected);
  });

  it.each([
    ['', '--tunnet names no network. Write an address such as 192.168.5.1/24, bridge:NAME, tap:NAME, local or none.'],
    [',locked', '--tunnet names no network.'],
    ['300.1.1.1', '--tunnet 300.1.1.1 is not an IPv4 address. Write one such as 192.168.5.1/24.'],
    ['10.0.0', '--tunnet 10.0.0 is not an IPv4 address.'],
    ['10.0.0.01', '--tunnet 10.0.0.01 is not an IPv4 address.'],
    ['fe80::1', '--tunnet fe80::1 is an IPv6 address. Give an IPv4 address such as 192.168.5.1/24.'],
    ['10.0.0.1/', 'no prefix length from 1 to 31'],
    ['10.0.0.1/0', 'no prefix length'],
    ['10.0.0.1/32', 'no prefix length'],
    ['10.0.0.1/24/8', 'no prefix length'],
    ['10.0.0.1/255.255.255.0', 'no prefix length'],
    ['10.0.0.0/24', '10.0.0.0/24 is the address of a network, not of a host.'],
    ['10.0.0.255', '10.0.0.255 is the broadcast address of its network.'],
    ['127.0.0.2', '127.0.0.2 is a loopback address.'],
    ['224.0.0.1', '224.0.0.1 is a multicast address.'],
    ['0.0.0.1', '0.0.0.1 is a reserved address.'],
    ['255.255.255.255', 'is a reserved address.'],
    ['br0', '--tunnet does not know "br0". Write an address such as'],
    ['brigde:br0', '--tunnet does not know "brigde". Did you mean bridge:NAME?'],
    ['loca', '--tunnet does not know "loca". Did you mean local?'],
    ['user', '--tunnet does not know "user".'],
    ['bridge', '--tunnet bridge names no bridge. Write bridge:NAME; ip link lists what there is.'],
    ['tap:', '--tunnet tap names no tap.'],
    ['tap:sixteen-letters-', 'has a name of 16 bytes, but interfaces have at most 15.'],
    ['tap:ünfzehn-zeichen', 'has a name of 16 bytes'],
    ['tap:a/b', '--tunnet tap:a/b is no name of an interface.'],
    ['bridge:..', 'is no name of an interface.'],
    ['bridge:a b', 'is no name of an interface.'],
    ['local:02:00:00:00:00', '--tunnet MAC address "02:00:00:00:00" is not six hexadecimal bytes'],
    ['local:', '--tunnet MAC address "" is not six hexadecimal bytes'],
    ['local:02-00-00-00-00-01', 'is not six hexadecimal bytes'],
    ['local:02:00:00:00:00:01:02', 'is not six hexadecimal bytes'],
    ['local:02:00:00:00:00:0g', 'is not six hexadecimal bytes'],
    ['local:01:00:5e:00:00:01', '"01:00:5e:00:00:01" is a multicast address (its first byte is odd)'],
    ['local:ff:ff:ff:ff:ff:ff', 'is the broadcast address, not that of a device'],
    ['local:00:00:00:00:00:00', 'is no address of a device'],
    ['local,mac=33:33:00:00:00:01', 'is a multicast address'],
    ['local,mac', '--tunnet MAC address "" is not'],
    ['local:02:00:00:00:00:01,mac=02:00:00:00:00:01', 'gives two MAC addresses. Give it once.'],
    ['local,mtu=67', '--tunnet mtu "67" is out of range. Give a number of bytes from 68 to 65535.'],
    ['local,mtu=65536', 'out of range'],
    ['local,mtu=1e3', 'out of range'],
    ['local,mtu', '--tunnet mtu "" is out of range'],
    ['local,queues=0', '--tunnet queues "0" is not a number of queue pairs. Give a whole number from 1 to 32.'],
    ['local,queues=33', 'is not a number of queue pairs'],
    ['local,queues=two', 'is not a number of queue pairs'],
    ['local,locked=yes', 'gives "locked" a value. Write locked alone.'],
    ['local,lock', '--tunnet does not know "lock". Did you mean locked?'],
    ['local,vhost=on', '--tunnet does not know "vhost".'],
    ['local,mtu=1500,mtu=1500', 'gives mtu twice'],
  ])('%s is refused', (text, sentence) => {
    expect(refusal(() => parseTunnetOption(text))).toContain(sentence);
  });
});

describe('several --tunnet', () => {
  it('are a device each, in order', () => {
    const texts = ['tap:a', 'none', 'none', 'local', 'local', 'bridge:b', 'bridge:b', '10.0.0.1'];
    expect(parseTunnetOptions(texts).map(option => option.kind)).toEqual(texts.map(text => kindOf(text)));
  });

  it.each([
    [['tap:a', 'local', 'tap:a'], '--tunnet names the tap a twice. Give each device a tap of its own.'],
    [['10.0.0.1', '10.0.0.1/8'], '--tunnet names the address 10.0.0.1 twice.'],
    [['local:02:0:0:0:0:1', 'none,mac=02:00:00:00:00:01'], '--tunnet names the MAC address 02:00:00:00:00:01 twice.'],
  ])('%s are refused', (texts, sentence) => {
    expect(refusal(() => parseTunnetOptions(texts))).toContain(sentence);
  });
});

function kindOf(text: string): string {
  return /^\d/.test(text) ? 'address' : text.replace(/:.*/, '');
}

function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return describeError(error);
  }
  return 'not refused';
}
