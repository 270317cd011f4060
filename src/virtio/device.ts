/**
 * The two halves of a virtio device. The *model* is what the driver's registers need to know: it exists on every thread and
 * touches nothing but the register file. The *service* does the work, on main, one async loop per virtqueue. Pause, resume and
 * snapshot are part of the contract from the start.
 */
import type { Width } from '../base/bits.ts';
import type { Virtqueue } from './virtqueue.ts';

/** A field of the device configuration space (virtio 1.2, 5.x.4). Everything not listed is read-only. */
export interface WritableConfigField {
  readonly name: string;
  readonly offset: number;
  readonly width: Width;
  /**
   * Runs on the writing thread with the device's lock held, before the byte change is visible; returns what is stored
   * (undefined: store nothing). Main is told afterwards through {@link DeviceService.configWritten}.
   */
  readonly write?: (value: number, config: Uint8Array) => number | undefined;
}

/** The register side of a device. Must come out the same on every thread that builds it from one configuration. */
export interface DeviceModel {
  /** Unique in a machine, for example `block0`; names the register slice, traces and messages. */
  readonly name: string;
  /** Virtio device id (virtio 1.2, 5): 1 network, 2 block, 3 console, 4 entropy, 8 SCSI host. */
  readonly deviceId: number;
  /** PCI class code, 24 bits: class, subclass, programming interface. */
  readonly pciClass: number;
  /** Device feature bits offered (0 to 23 and 50 up); the transport adds its own (24 to 40). */
  readonly features: bigint;
  /** Greatest size of each virtqueue, a power of two up to 1024. */
  readonly queueSizes: readonly number[];
  /** Initial device configuration space. */
  readonly config: Uint8Array;
  readonly writableConfig: readonly WritableConfigField[];
  /** False for a subset of `features` that cannot work: FEATURES_OK then does not stick (2.2.2). */
  acceptsFeatures?(driverFeatures: bigint): boolean;
}

/** What a service may do to its device. */
export interface DeviceHandle {
  readonly name: string;
  /** Features both sides agreed on; 0 before FEATURES_OK. */
  readonly features: bigint;
  /** Changes the device configuration space under its lock, bumps config_generation and interrupts the driver. */
  changeConfig(change: (config: Uint8Array) => void): void;
  /** A copy of the device configuration space. */
  readConfig(): Uint8Array;
  /** The driver has read any of the device configuration space since it last changed. */
  readonly configSeen: boolean;
  /** The driver broke the rules: sets DEVICE_NEEDS_RESET, interrupts, stops all queues. Says why once, as a warning. */
  needsReset(reason: string): void;
}

/** The working side of a device, on main. */
export interface DeviceService {
  /**
   * Serves one virtqueue from DRIVER_OK until reset: returns once `queue.next()` yields undefined and every chain it took has
   * been completed or dropped. A DriverError that escapes it becomes NEEDS_RESET; any other error is reported and does the same.
   * An error after the queue began to stop changes nothing.
   */
  serve(index: number, queue: Virtqueue, device: DeviceHandle): Promise<void>;
  /** The driver wrote a writable configuration field, or a reset gave one its first value back. */
  configWritten?(device: DeviceHandle): void;
  /** All loops have parked and the driver's state is gone; what belongs to one driver session is dropped here. */
  reset?(): Promise<void> | void;
  /** Everything acknowledged becomes durable; called at pause, before a snapshot and at the end. */
  settle?(): Promise<void>;
  /** What it has done so far: a few words and a number each, for whoever asks for statistics. */
  counters?(): Readonly<Record<string, number>>;
  /** Plain state beyond the register file, for a snapshot; and its (untrusted) way back. */
  save?(): unknown;
  restore?(state: unknown): void;
  /** The machine ends: release files and terminals. */
  close?(): Promise<void> | void;
}
