/** Where the randomness comes from: the host's cryptographic generator, off the event loop and straight into guest memory. */
import { randomFill } from 'node:crypto';
import { promisify } from 'node:util';

export interface RngBackend {
  /** Overwrites all of `bytes` with random bytes. Rejects when the host has none. */
  fill(bytes: Uint8Array): Promise<void>;
}

const fill: (bytes: Uint8Array) => Promise<void> = promisify(randomFill);

/** Bytes from OpenSSL's generator, which the kernel's seeds. */
export const hostEntropy: RngBackend = {
  fill,
};
