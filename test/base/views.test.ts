import { describe, expect, it } from 'vitest';
import { bytesOf, Place } from '../../src/base/views.ts';

describe('a place in a buffer', () => {
  const buffer = Uint8Array.of(0, 1, 2, 3, 4).buffer;

  it('is seen as the bytes there, not a copy of them', () => {
    const bytes = bytesOf(new Place(buffer, 1, 3));
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(bytes.buffer).toBe(buffer);
  });

  it('of bytes is these bytes', () => {
    const bytes = new Uint8Array(buffer, 2);
    expect(bytesOf(bytes)).toBe(bytes);
  });
});
