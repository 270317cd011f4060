/**
 * The entropy device (virtio 1.2, 5.4) has one queue and nothing else: no feature bits, no configuration space.
 */
import type { DeviceModel } from '../../virtio/device.ts';

/** Serialisable description of an entropy device. */
export interface RngConfig {
  readonly kind: 'rng';
  /** Unique in a machine, for example `rng0`. */
  readonly name: string;
}

const DEVICE_ID = 4;
/** No PCI class fits an entropy source. */
const PCI_CLASS_UNASSIGNED = 0xff_0000;
/** The only queue. A driver keeps one request in flight, rarely more. */
export const REQUEST_QUEUE = 0;
const QUEUE_SIZE = 64;

export function rngModel(config: RngConfig): DeviceModel {
  return {
    name: config.name,
    deviceId: DEVICE_ID,
    pciClass: PCI_CLASS_UNASSIGNED,
    features: 0n,
    queueSizes: [QUEUE_SIZE],
    config: new Uint8Array(0),
    writableConfig: [],
  };
}
