/** A device for tests: what the driver sends comes back, in every queue; and configuration space with two writable fields. */
import type { DeviceHandle, DeviceModel, DeviceService } from '../../src/virtio/device.ts';
import type { Chain, Virtqueue } from '../../src/virtio/virtqueue.ts';

export const ECHO_FEATURE = 1n << 5n;
/** Works only together with {@link ECHO_FEATURE}. */
export const ECHO_DEPENDENT = 1n << 6n;
/** Offered although it belongs to the transport: the transport must not pass it on. */
const ACCESS_PLATFORM = 1n << 33n;

export function echoModel(queueSizes: readonly number[] = [16, 8]): DeviceModel {
  return {
    name: 'echo0',
    deviceId: 42,
    pciClass: 0xff_0000,
    features: ECHO_FEATURE | ECHO_DEPENDENT | ACCESS_PLATFORM,
    queueSizes,
    config: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    writableConfig: [
      { name: 'mode', offset: 2, width: 1, write: value => (value < 10 ? value : undefined) },
      { name: 'level', offset: 4, width: 4 },
    ],
    acceptsFeatures: features => (features & ECHO_DEPENDENT) === 0n || (features & ECHO_FEATURE) !== 0n,
  };
}

/** Copies the readable bytes of a chain into its writable ones, as many as fit. */
export function echo(chain: Chain): number {
  const all = Buffer.concat(chain.readable as Uint8Array[]);
  let at = 0;
  for (const part of chain.writable) {
    part.set(all.subarray(at, at + part.length));
    at += part.length;
  }
  return Math.min(all.length, chain.writableLength);
}

export class EchoService implements DeviceService {
  readonly log: string[] = [];
  /** Loops running now. */
  running = 0;
  served = 0;
  device: DeviceHandle | undefined;
  /** Each request waits for this. */
  gate: Promise<void> | undefined;

  async serve(index: number, queue: Virtqueue, device: DeviceHandle): Promise<void> {
    this.device = device;
    this.log.push(`serve ${index}`);
    this.running++;
    try {
      for (let chain = await queue.next(); chain; chain = await queue.next()) {
        if (this.gate) await this.gate;
        queue.complete(chain, echo(chain));
        this.served++;
      }
    } finally {
      this.running--;
      this.log.push(`parked ${index}`);
    }
  }

  configWritten(device: DeviceHandle): void {
    this.log.push(`config ${[...device.readConfig()]}`);
  }

  reset(): void {
    this.log.push('reset');
  }

  async settle(): Promise<void> {
    this.log.push('settle');
  }

  close(): void {
    this.log.push('close');
  }
}

export const turn = () => new Promise<void>(resolve => setImmediate(resolve));
export async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** A promise that is opened from outside. */
export function gate(): { promise: Promise<void>; open: () => void } {
  let open!: () => void;
  const promise = new Promise<void>(resolve => {
    open = resolve;
  });
  return { promise, open };
}
