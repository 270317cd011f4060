/** Where memory is, for structures that the kernel reads addresses from. */
import koffi from 'koffi';

const addresses = new WeakMap<ArrayBufferLike, number>();
/** What was asked for last, which is mostly what is asked for next: the guest's RAM. */
let last: ArrayBufferLike | undefined;
let lastAddress = 0;

/**
 * The address of a buffer's first byte; not for a SharedArrayBuffer, of which koffi tells none. Guest memory is a few large buffers: each is
 * looked up once. User space ends at 2^47 (2^56 at most in sight), and no allocation comes near 2^53: an address is a safe integer.
 */
export function addressOf(buffer: ArrayBufferLike): number {
  if (buffer === last) return lastAddress;
  let address = addresses.get(buffer);
  if (address === undefined) {
    address = Number(koffi.address(buffer));
    addresses.set(buffer, address);
  }
  last = buffer;
  lastAddress = address;
  return address;
}
