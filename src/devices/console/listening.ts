/**
 * When a driver listens. Linux's (drivers/char/virtio_console.c) hands out its receive buffers first and throws away what arrives until
 * its probe has come to the end. The probe makes a terminal, and on the way there prints the whole kernel log so far, which takes seconds
 * on a slow processor; nothing tells the device when it is over (MULTIPORT would, 5.3.6.2, but then Linux takes the window's size from
 * messages whose fields it has had in either order). What a device can see: the driver looks at the window's size, of which it is
 * told at its start, not before the probe has begun, and a probe is not silent for long. So input waits for the look and a pause behind it.
 */
import { setTimeout } from 'node:timers/promises';
import type { DeviceHandle } from '../../virtio/device.ts';
import type { Virtqueue } from '../../virtio/virtqueue.ts';
import { F } from './registers.ts';
import type { UntilStopped } from './until-stopped.ts';

const LOOK_MS = 10;
/** A driver that has looked, and says nothing for so long, is through with its probe, in ms. */
export const PAUSE_MS = 250;
/** A driver that neither looks nor sends for so long will not look, in ms. */
const SILENCE_MS = 3000;
/** Whatever it sends, after this time no probe is under way, in ms. */
const LIMIT_MS = 30_000;

export interface Starting {
  readonly device: Pick<DeviceHandle, 'features' | 'configSeen'>;
  readonly queue: Pick<Virtqueue, 'stopping'>;
  readonly running: UntilStopped;
  /** Grows with each output. */
  readonly outputs: () => number;
  /** {@link PAUSE_MS}; tests are in a hurry. */
  readonly pauseMs: number;
}

/** Resolves when the driver may be given input, or when its queue must stop. */
export async function untilListening({ device, queue, running, outputs, pauseMs }: Starting): Promise<void> {
  if ((device.features & F.SIZE) === 0n) return;
  let looked = false;
  let seen = outputs();
  let silence = 0;
  // Turns are counted, not time: where this process gets no processor, the guest has had none either.
  for (let time = 0; time < LIMIT_MS && silence < (looked ? pauseMs : SILENCE_MS); time += LOOK_MS) {
    if (queue.stopping) return;
    if (!looked && device.configSeen) {
      looked = true;
      silence = 0;
      continue;
    }
    await running.wait(setTimeout(LOOK_MS));
    silence = outputs() === seen ? silence + LOOK_MS : 0;
    seen = outputs();
  }
}
