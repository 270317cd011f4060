/**
 * One zstd frame (RFC 8878) out of a compressed cluster's sectors, which hold other bytes behind it: the frame is measured by walking
 * its block headers, and what it comes to is bounded by the cluster it must fit. The decoder is loaded when the first frame comes.
 */
import type { ZSTDDecoder } from 'zstddec';
import { ImageError } from './refusal.ts';

const MAGIC = 0xfd2f_b528;
const BLOCK = { raw: 0, repeated: 1, compressed: 2 } as const;

let decoder: Promise<ZSTDDecoder> | undefined;

/** Decodes a frame that comes to at most `most` bytes. Rejects with ImageError, or resolves to fewer bytes, for a broken one. */
export async function decodeZstd(bytes: Uint8Array, most: number): Promise<Uint8Array> {
  const frame = bytes.subarray(0, frameLength(bytes));
  decoder ??= load();
  return (await decoder).decode(frame, most);
}

async function load(): Promise<ZSTDDecoder> {
  const { ZSTDDecoder } = await import('zstddec');
  const loaded = new ZSTDDecoder();
  await loaded.init();
  return loaded;
}

function frameLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const broken = () => new ImageError('a compressed cluster holds no zstd frame');
  if (bytes.length < 6 || view.getUint32(0, true) !== MAGIC) throw broken();
  const descriptor = bytes[4]!;
  const single = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const contentSize = [single, 2, 4, 8][descriptor >> 6]!;
  const checksum = (descriptor & 4) === 0 ? 0 : 4;
  for (let at = 6 - single + dictionary + contentSize; at + 3 <= bytes.length; ) {
    const header = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    const type = (header >> 1) & 3;
    if (type > BLOCK.compressed) throw broken();
    at += 3 + (type === BLOCK.repeated ? 1 : header >> 3);
    if ((header & 1) !== 0 && at + checksum <= bytes.length) return at + checksum;
  }
  throw broken();
}
