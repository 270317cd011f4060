/**
 * What a driver asks of the entropy device: "fill this". The guest chooses the size, so the launcher bounds it; a longer buffer
 * is filled in part, which the driver sees in the used length.
 */
import { KiB } from '../../base/bits.ts';
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';

/** Most bytes that one request gets. */
export const MAX_REQUEST = 64 * KiB;

export interface RngRequest {
  /** Guest memory to fill, in order; empty pieces are left out. */
  readonly pieces: readonly Uint8Array[];
  /** Sum of the pieces, 1 to {@link MAX_REQUEST}. */
  readonly length: number;
}

/** Throws DriverError for a buffer the device may not write (5.4.6.1) or that has no room for "one or more" bytes (5.4.6.2). */
export function parseRngRequest(chain: Pick<Chain, 'readable' | 'writable'>): RngRequest {
  if (chain.readable.length > 0) throw new DriverError('entropy was asked into a device-readable descriptor');
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const piece of chain.writable) {
    const wanted = Math.min(piece.length, MAX_REQUEST - length);
    if (wanted === 0) continue;
    pieces.push(piece.subarray(0, wanted));
    length += wanted;
  }
  if (length === 0) throw new DriverError('entropy was asked into a buffer of no bytes');
  return { pieces, length };
}
