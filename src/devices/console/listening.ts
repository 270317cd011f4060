/**
 * When a driver listens. Linux's (drivers/char/virtio_console.c) hands out its receive buffers before its interrupt handler knows
 * whose they are, and throws away what arrives until then; a change of the configuration reaches it only afterwards. So input waits
 * until the driver has looked at the window's size, which it is told of at its start. That makes a loss rare, not impossible: a driver
 * may look while its probe has not come to the end yet.
 */
import { setTimeout } from 'node:timers/promises';
import type { DeviceHandle } from '../../virtio/device.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { F } from './registers.ts';
import type { UntilStopped } from './until-stopped.ts';

const LOOK_MS = 10;
/** A driver that neither looks nor sends for so long will not look, in ms. */
const SILENCE_MS = 3000;
/** Nor will one that has not looked after this time, whatever it sends, in ms. */
const LIMIT_MS = 30_000;

export interface Starting {
  readonly device: Pick<DeviceHandle, 'features' | 'configSeen'>;
  readonly queue: Pick<Virtqueue, 'stopping'>;
  readonly running: UntilStopped;
  /** Grows with each output. */
  readonly outputs: () => number;
}

/** Resolves when the driver may be given input, or when its queue must stop. */
export async function untilListening({ device, queue, running, outputs }: Starting): Promise<void> {
  if ((device.features & F.SIZE) === 0n) return;
  let seen = outputs();
  let silence = 0;
  for (let time = 0; time < LIMIT_MS && silence < SILENCE_MS; time += LOOK_MS) {
    if (queue.stopping || device.configSeen) return;
    await running.wait(setTimeout(LOOK_MS));
    silence = outputs() === seen ? silence + LOOK_MS : 0;
    seen = outputs();
  }
}
