import { describe, expect, it } from 'vitest';
import { checksumOf, foldedSum, sumWords } from '../../../../src/devices/net/local/checksum.ts';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('the internet checksum', () => {
  it('is that of RFC 1071, 3', () => {
    expect(foldedSum(sumWords(bytes('0001f203f4f5f6f7')))).toBe(0xddf2);
    expect(checksumOf(bytes('0001f203f4f5f6f7'))).toBe(0x220d);
  });

  it('is that of an IPv4 header', () => {
    expect(checksumOf(bytes('450000730000400040110000c0a80001c0a800c7'))).toBe(0xb861);
    expect(checksumOf(bytes('45000073000040004011b861c0a80001c0a800c7'))).toBe(0);
  });

  it('pads an odd byte, goes on from a sum, adds carries as often as need be', () => {
    expect(checksumOf(bytes('010203'))).toBe(checksumOf(bytes('01020300')));
    expect(checksumOf(bytes('0304'), sumWords(bytes('0102')))).toBe(checksumOf(bytes('01020304')));
    expect(checksumOf(new Uint8Array(65536).fill(0xff))).toBe(0);
  });
});
