/** Bytes as a buffer and two numbers, which is all that a system call wants, and as a view, which costs more than many a call. */

/** A place in a buffer. It is an {@link ArrayBufferView} as typed arrays are, at a fraction of what making one takes. */
export class Span implements ArrayBufferView {
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

let last: ArrayBufferLike | undefined;
let lastWhole: Uint8Array = new Uint8Array(0);

/** All bytes of the buffer that a place lies in, to look at a few of them from `byteOffset` on without a view for each place. */
export function bytesAround({ buffer }: ArrayBufferView): Uint8Array {
  if (buffer !== last) {
    last = buffer;
    lastWhole = new Uint8Array(buffer);
  }
  return lastWhole;
}
