/**
 * One zstd frame (RFC 8878) out of a compressed cluster's sectors, which hold other bytes behind it: the frame is measured by
 * walking its block headers, and refused before decoding if it could come to far more than a cluster.
 */
import { decompress } from 'fzstd';
import { MiB } from '../../../base/bits.ts';
import { ImageError } from './refusal.ts';

const MAGIC = 0xfd2f_b528;
/** More than any encoder takes for 2 MiB; with blocks of at most 128 KiB each, what a hostile frame can come to is bounded. */
const MOST_BLOCKS = 512;
const MOST_WINDOW = 8 * MiB;
const BLOCK = { raw: 0, repeated: 1, compressed: 2 } as const;

/** Decodes a frame that comes to at most `most` bytes. Throws ImageError otherwise. */
export function decodeZstd(bytes: Uint8Array, most: number): Uint8Array {
  const frame = bytes.subarray(0, frameLength(bytes, most));
  try {
    return decompress(frame);
  } catch (error) {
    throw new ImageError('a compressed cluster cannot be decompressed', { cause: error });
  }
}

function frameLength(bytes: Uint8Array, most: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = () => new ImageError('a compressed cluster holds no zstd frame');
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) throw broken();
  const descriptor = bytes[4]!;
  const single = (descriptor >> 5) & 1;
  if (single === 0) {
    const exponent = 10 + (bytes[5]! >> 3);
    if (2 ** exponent * (1 + (bytes[5]! & 7) / 8) > MOST_WINDOW) throw broken();
  }
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const contentSize = [single, 2, 4, 8][descriptor >> 6]!;
  const sizeAt = 6 - single + dictionary;
  let at = sizeAt + contentSize;
  if (at > bytes.length || statedSize(view, sizeAt, contentSize) > MOST_WINDOW) throw broken();
  let literal = 0;
  for (let blocks = 0; blocks < MOST_BLOCKS; blocks++) {
    if (at + 3 > bytes.length) throw broken();
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type > BLOCK.compressed) throw broken();
    if (type !== BLOCK.compressed) literal += size;
    at += 3 + (type === BLOCK.repeated ? 1 : size);
    if (at > bytes.length || literal > most) throw broken();
    if ((header & 1) !== 0) {
      at += (descriptor & 4) === 0 ? 0 : 4;
      if (at > bytes.length) throw broken();
      return at;
    }
  }
  throw broken();
}

/** The content size that a frame states, 0 if it does not. */
function statedSize(view: DataView, at: number, width: number): number {
  if (width === 8) return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  if (width === 4) return view.getUint32(at, true);
  if (width === 2) return view.getUint16(at, true) + 256;
  return width === 1 ? view.getUint8(at) : 0;
}
