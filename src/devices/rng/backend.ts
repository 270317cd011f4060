/** Where the randomness comes from: the host's cryptographic generator, off the event loop and straight into guest memory. */
import { randomFill } from 'node:crypto';
import { promisify } from 'node:util';

export interface RngBackend {
  /** Overwrites all of `bytes` with random bytes. Rejects when the host has none. */
  fill(bytes: Uint8Array): Promise<void>;
}

const fill = promisify(randomFill) as (bytes: Uint8Array) => Promise<Uint8Array>;

/** Bytes from OpenSSL's generator, which the kernel's seeds. */
export const hostEntropy: RngBackend = {
  async fill(bytes) {
    await fill(bytes);
  },
};
