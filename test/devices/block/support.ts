/** A block driver's words: request headers, and chains cut out of plain bytes. */
import type { Chain } from '../../../src/virtio/virtqueue.ts';

/** `struct virtio_blk_req` up to the data. */
export function header(type: number, sector: number | bigint = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setBigUint64(8, BigInt(sector), true);
  return bytes;
}

/** `struct virtio_blk_discard_write_zeroes`. */
export function range(sector: number | bigint, sectors: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(sector), true);
  view.setUint32(8, sectors, true);
  view.setUint32(12, flags, true);
  return bytes;
}

export function chainOf(readable: readonly Uint8Array[], writable: readonly Uint8Array[]): Chain {
  const sum = (parts: readonly Uint8Array[]) => parts.reduce((total, part) => total + part.length, 0);
  return {
    head: 0,
    readable,
    writable,
    readableSpans: readable,
    writableSpans: writable,
    readableLength: sum(readable),
    writableLength: sum(writable),
  };
}
