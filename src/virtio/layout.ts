/**
 * What the memory BAR of every virtio function looks like, and the constants of virtio over PCI (virtio 1.2, 4.1). Each
 * structure has a page of its own, so that a machine may treat them differently (the notify page is what KVM watches).
 *
 *     0x0000  common configuration      0x3000  notify: queue n at 4 x n
 *     0x1000  ISR status                0x4000  MSI-X table
 *     0x2000  device configuration      0x5000  MSI-X pending bits
 */
export const BAR_SIZE = 0x8000;
export const REGION_SIZE = 0x1000;
export const COMMON_OFFSET = 0x0000;
export const ISR_OFFSET = 0x1000;
export const DEVICE_OFFSET = 0x2000;
export const NOTIFY_OFFSET = 0x3000;
export const MSIX_TABLE_OFFSET = 0x4000;
export const MSIX_PBA_OFFSET = 0x5000;

/** Bytes between the notify registers of two queues: each is an address of its own, which KVM can turn into an event. */
export const NOTIFY_MULTIPLIER = 4;
/** Width in bytes of a kick without NOTIFICATION_DATA (4.1.5.2). */
export const NOTIFY_WIDTH = 2;

/** Offset in the BAR of the register that kicks queue `index`. */
export function notifyOffset(index: number): number {
  return NOTIFY_OFFSET + index * NOTIFY_MULTIPLIER;
}

/** Every structure fits its page: notify and MSI-X table entries bound the queues (one vector a queue, one for changes). */
export const MAX_QUEUES = REGION_SIZE / 16 - 1;
export const MAX_CONFIG_BYTES = REGION_SIZE;

export const VENDOR_ID = 0x1af4;
/** PCI device id of a modern device: this and the virtio device id (4.1.2). */
export const DEVICE_ID_BASE = 0x1040;
/** Non-transitional devices have revision 1 or more (4.1.2.1). */
export const REVISION = 1;

/** Device status bits (2.1). */
export const STATUS = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const;

/** ISR status bits (4.1.4.5). */
export const ISR = { queue: 1, config: 2 } as const;

/** "No vector" in the MSI-X vector registers (4.1.5.1.2). */
export const NO_VECTOR = 0xffff;

/** `ACKNOWLEDGE DRIVER`, for narration. */
export function statusNames(status: number): string {
  const names: [number, string][] = [
    [STATUS.acknowledge, 'ACKNOWLEDGE'],
    [STATUS.driver, 'DRIVER'],
    [STATUS.featuresOk, 'FEATURES_OK'],
    [STATUS.driverOk, 'DRIVER_OK'],
    [STATUS.needsReset, 'NEEDS_RESET'],
    [STATUS.failed, 'FAILED'],
  ];
  const set = names.filter(([bit]) => status & bit).map(([, name]) => name);
  return set.join(' ') || 'reset';
}
