/**
 * Host memory that a frame passes through when it cannot go straight between guest and wire. One for all devices: nothing stays in it
 * beyond the call that put it there. Whoever has to keep a frame keeps a copy.
 */
import { Span } from '../../base/views.ts';
import { HEADER, MAX_FRAME } from './header.ts';

/** Room for the longest frame with header, and one byte that tells that a frame is longer. */
export const SCRATCH_BYTES = HEADER + MAX_FRAME + 1;

/** Behind the guest's buffers at a read: takes what does not fit into them. */
export const spill = new Span(new ArrayBuffer(SCRATCH_BYTES), 0, SCRATCH_BYTES);
/** Takes a frame that is looked at, from its first byte on. */
export const copy = new Uint8Array(SCRATCH_BYTES);
