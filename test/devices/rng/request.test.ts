import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { MAX_REQUEST, parseRngRequest } from '../../../src/devices/rng/request.ts';

describe('an entropy request', () => {
  it('is all of a small buffer, in its pieces', () => {
    const writable = [new Uint8Array(3), new Uint8Array(0), new Uint8Array(5)];
    const request = parseRngRequest({ readable: [], writable });
    expect(request.length).toBe(8);
    expect(request.pieces.map(piece => piece.length)).toEqual([3, 5]);
  });

  it('is bounded at 64 KiB, across pieces', () => {
    const writable = [new Uint8Array(MAX_REQUEST - 1), new Uint8Array(100), new Uint8Array(100)];
    const request = parseRngRequest({ readable: [], writable });
    expect(request.length).toBe(MAX_REQUEST);
    expect(request.pieces.map(piece => piece.length)).toEqual([MAX_REQUEST - 1, 1]);
  });

  it('is a mistake with a readable part or without room', () => {
    const writable = [new Uint8Array(8)];
    expect(() => parseRngRequest({ readable: [new Uint8Array(1)], writable })).toThrow(DriverError);
    expect(() => parseRngRequest({ readable: [], writable: [] })).toThrow(DriverError);
    expect(() => parseRngRequest({ readable: [], writable: [new Uint8Array(0)] })).toThrow(DriverError);
  });
});
