import { describe, expect, it } from 'vitest';
import { bytesAround, bytesOf, Span } from '../../src/base/views.ts';

describe('a place in a buffer', () => {
  const buffer = Uint8Array.of(0, 1, 2, 3, 4).buffer;

  it('is seen as the bytes there, not a copy of them', () => {
    const bytes = bytesOf(new Span(buffer, 1, 3));
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(bytes.buffer).toBe(buffer);
  });

  it('of bytes is these bytes', () => {
    const bytes = new Uint8Array(buffer, 2);
    expect(bytesOf(bytes)).toBe(bytes);
  });

  it('has bytes around it, of its own buffer whichever was asked for last', () => {
    const other = Uint8Array.of(9, 8).buffer;
    for (const place of [new Span(buffer, 3, 1), new Span(other, 1, 1), new Span(buffer, 2, 2)]) {
      const around = bytesAround(place);
      expect(around.buffer).toBe(place.buffer);
      expect([around.byteOffset, around.byteLength]).toEqual([0, place.buffer.byteLength]);
    }
  });
});
