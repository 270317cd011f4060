/** Bytes as a buffer and two numbers, which is all that a system call wants, and as a view, which costs more than many a call. */

/** A place in a buffer. It is an {@link ArrayBufferView} as typed arrays are, at a fraction of what making one takes. */
export class Place implements ArrayBufferView {
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly byteLength: number;

  constructor(buffer: ArrayBufferLike, byteOffset: number, byteLength: number) {
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.byteLength = byteLength;
  }
}

/** The bytes of a place, to look inside. */
export function bytesOf(place: ArrayBufferView): Uint8Array {
  return place instanceof Uint8Array ? place : new Uint8Array(place.buffer, place.byteOffset, place.byteLength);
}
