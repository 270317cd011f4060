import { describe, expect, it } from 'vitest';
import { DriverError } from '../../../src/base/errors.ts';
import { parseOutput, parseRoom } from '../../../src/devices/console/request.ts';
import { chainOf } from '../block/support.ts';

const some = [Uint8Array.of(1, 2)];

describe('a console chain', () => {
  it('to send is readable, possibly empty', () => {
    expect(parseOutput(chainOf(some, []))).toBe(some);
    expect(parseOutput(chainOf([], []))).toEqual([]);
    expect(() => parseOutput(chainOf(some, some))).toThrow(DriverError);
  });

  it('to receive is writable and has room', () => {
    expect(parseRoom(chainOf([], some))).toBe(some);
    expect(() => parseRoom(chainOf([], [new Uint8Array(0)]))).toThrow(DriverError);
    expect(() => parseRoom(chainOf([], []))).toThrow(DriverError);
    expect(() => parseRoom(chainOf(some, some))).toThrow(DriverError);
  });
});
