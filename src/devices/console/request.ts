/**
 * What a console's chains mean: device-readable bytes are output, device-writable ones room for input (5.3.6). There is no
 * header, and hardly a mistake to make.
 */
import { DriverError } from '../../base/errors.ts';
import type { Chain } from '../../virtio/virtqueue.ts';

/** The output in a transmit chain. Throws DriverError where the driver lets the device write (5.3.6.1). */
export function parseOutput(chain: Pick<Chain, 'readable' | 'writable'>): readonly Uint8Array[] {
  if (chain.writable.length > 0) throw new DriverError('a console transmit buffer is device-writable');
  return chain.readable;
}

/** The room in a receive chain. Throws DriverError where there is none, or the driver wants to be read (5.3.6.1). */
export function parseRoom(chain: Pick<Chain, 'readable' | 'writable' | 'writableLength'>): readonly Uint8Array[] {
  if (chain.readable.length > 0) throw new DriverError('a console receive buffer is device-readable');
  if (chain.writableLength === 0) throw new DriverError('a console receive buffer has no room');
  return chain.writable;
}
