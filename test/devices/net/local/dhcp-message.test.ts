import { describe, expect, it } from 'vitest';
import {
  BOOT_REQUEST,
  buildDhcp,
  type DhcpMessage,
  parseDhcp,
} from '../../../../src/devices/net/local/dhcp-message.ts';
import { macBytes } from '../../../../src/devices/net/mac.ts';

const MESSAGE: DhcpMessage = {
  operation: BOOT_REQUEST,
  transaction: 0xdeadbeef,
  flags: 0x8000,
  clientAddress: 0x0a000001,
  yourAddress: 0x0a000002,
  relayAddress: 0x0a000003,
  mac: macBytes('02:00:00:00:00:01'),
  options: new Map([
    [53, Uint8Array.of(1)],
    [12, Buffer.from('guest')],
  ]),
};

/** The fixed fields of the message above with these bytes as its options field. */
function withOptions(...field: number[]): Uint8Array {
  const bytes = new Uint8Array(240 + field.length);
  bytes.set(buildDhcp(MESSAGE).subarray(0, 240));
  bytes.set(field, 240);
  return bytes;
}

const optionsOf = (bytes: Uint8Array) => {
  const options = parseDhcp(bytes)?.options;
  return options && Object.fromEntries([...options].map(([code, value]) => [code, [...value]]));
};

describe('a DHCP message', () => {
  it('has its fields where RFC 2131, 2 has them', () => {
    const bytes = Buffer.from(buildDhcp(MESSAGE));
    expect(bytes.length).toBe(300);
    expect(bytes.subarray(0, 44).toString('hex')).toBe(
      `01010600${'deadbeef'}00008000${'0a000001'}0a000002${'00000000'}0a000003${'020000000001'}${'0'.repeat(20)}`,
    );
    expect(bytes.subarray(44, 236).every(byte => byte === 0)).toBe(true);
    expect(bytes.subarray(236, 252).toString('hex')).toBe('63825363350101' + '0c056775657374' + 'ff00');
  });

  it('is read back', () => {
    const parsed = parseDhcp(buildDhcp(MESSAGE))!;
    expect({ ...parsed, options: [...parsed.options].map(([code, value]) => [code, ...value]) }).toEqual({
      ...MESSAGE,
      options: [
        [53, 1],
        [12, ...Buffer.from('guest')],
      ],
    });
  });

  it('grows beyond 300 bytes with its options', () => {
    const options = new Map([[12, new Uint8Array(100)]]);
    expect(buildDhcp({ ...MESSAGE, options }).length).toBe(236 + 4 + 102 + 1);
  });

  it('may have padding between options, and anything behind the end', () => {
    expect(optionsOf(withOptions(0, 0, 53, 1, 3, 0, 12, 1, 65, 255, 7, 7, 7))).toEqual({ 53: [3], 12: [65] });
  });

  it('may cut an option into parts', () => {
    expect(optionsOf(withOptions(12, 1, 65, 53, 1, 1, 12, 2, 66, 67, 255))).toEqual({ 12: [65, 66, 67], 53: [1] });
  });

  it('may put options into its file and server name fields', () => {
    const bytes = withOptions(52, 1, 3, 255);
    bytes.set([53, 1, 1, 255], 108);
    bytes.set([12, 1, 65, 255], 44);
    expect(optionsOf(bytes)).toEqual({ 52: [3], 53: [1], 12: [65] });
    expect(optionsOf(bytes.fill(0, 108, 112))).toBeUndefined(); // no end there
    expect(optionsOf(withOptions(52, 1, 0, 255))).toEqual({ 52: [0] });
  });

  it.each<[string, Uint8Array]>([
    ['an option that reaches past the end', withOptions(53, 1, 1, 12, 5, 65)],
    ['an option without its length', withOptions(53, 1, 1, 12)],
    ['no end', withOptions(53, 1, 1)],
    ['no options at all', withOptions()],
    ['a message type of two bytes', withOptions(53, 2, 1, 1, 255)],
    ['a message type given twice', withOptions(53, 1, 1, 53, 1, 1, 255)],
    ['a requested address of three bytes', withOptions(50, 3, 1, 1, 1, 255)],
    ['a server of five bytes', withOptions(54, 5, 1, 1, 1, 1, 1, 255)],
    ['an empty overload', withOptions(52, 0, 255)],
    ['another hardware type', withOptions(53, 1, 1, 255).fill(6, 1, 2)],
    ['another address length', withOptions(53, 1, 1, 255).fill(16, 2, 3)],
    ['no cookie', withOptions(53, 1, 1, 255).fill(0, 236, 237)],
  ])('is none with %s', (_, bytes) => {
    expect(parseDhcp(withOptions(53, 1, 1, 255))).toBeDefined();
    expect(parseDhcp(bytes)).toBeUndefined();
  });

  it('is none when cut', () => {
    const bytes = withOptions(53, 1, 1, 255);
    for (let n = 0; n < bytes.length; n++) expect(parseDhcp(bytes.subarray(0, n))).toBeUndefined();
  });
});
