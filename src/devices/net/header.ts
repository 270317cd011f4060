/**
 * `struct virtio_net_hdr` in front of every frame (virtio 1.2, 5.1.6): 12 bytes that go between guest and tap unchanged, since
 * the kernel speaks the same format. Two fields are the device's own business on the way in.
 */
import { bytesAround, bytesOf } from '../../base/views.ts';
import { fillScattered, sliceScattered } from '../scatter.ts';

/** Bytes of header; with VERSION_1 always the long form. */
export const HEADER = 12;
const FLAGS = 0;
const NUM_BUFFERS = 10;

/** Ethernet header. */
export const ETHERNET = 14;
/** The longest frame: 64 KiB of IP with an Ethernet header and a VLAN tag. */
export const MAX_FRAME = 65_535 + ETHERNET + 4;

/**
 * What the kernel leaves to the device: in how many buffers the frame lies, 1 without MRG_RXBUF (5.1.6.4.1), and no flags for a
 * driver that has not negotiated GUEST_CSUM.
 */
export function finishHeader(spans: readonly ArrayBufferView[], count: number, flagsAllowed: boolean): void {
  const first = spans[0]!;
  if (first.byteLength >= HEADER) {
    const bytes = bytesAround(first);
    const at = first.byteOffset;
    bytes[at + NUM_BUFFERS] = count & 0xff;
    bytes[at + NUM_BUFFERS + 1] = count >> 8;
    if (!flagsAllowed) bytes[at + FLAGS] = 0;
    return;
  }
  const buffers = spans.map(bytesOf);
  fillScattered(sliceScattered(buffers, NUM_BUFFERS, HEADER), Uint8Array.of(count & 0xff, count >> 8));
  if (!flagsAllowed) fillScattered(sliceScattered(buffers, FLAGS, FLAGS + 1), Uint8Array.of(0));
}
