/** The entropy device at work: wait, validate, fill, complete, one request after the other. */
import { log } from '../../base/log.ts';
import type { DeviceHandle, DeviceService } from '../../virtio/device.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import type { RngBackend } from './backend.ts';
import { parseRngRequest } from './request.ts';

export class RngService implements DeviceService {
  readonly #source: RngBackend;
  #warned = false;

  constructor(source: RngBackend) {
    this.#source = source;
  }

  async serve(_index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    for (let chain = await queue.next(); chain !== undefined; chain = await queue.next()) {
      const request = parseRngRequest(chain);
      queue.complete(chain, await this.#fill(request.pieces, device.name));
    }
  }

  /** Bytes written: all of them, or those before a failure of the host, which the guest may ask again for. */
  async #fill(pieces: readonly Uint8Array[], name: string): Promise<number> {
    let written = 0;
    try {
      for (const piece of pieces) {
        await this.#source.fill(piece);
        written += piece.length;
      }
    } catch (error) {
      if (!this.#warned) log.warn(`${name}: the host gave no entropy: ${(error as Error).message}.`);
      this.#warned = true;
    }
    return written;
  }
}
