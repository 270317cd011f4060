/** Feature bits that belong to the transport and the rings, not to a device type (virtio 1.2, 6), as masks. */

export const RING_INDIRECT_DESC = 1n << 28n;
export const RING_EVENT_IDX = 1n << 29n;
export const VERSION_1 = 1n << 32n;
export const RING_RESET = 1n << 40n;

/** What the transport offers for every device. */
export const TRANSPORT_FEATURES = VERSION_1 | RING_INDIRECT_DESC | RING_EVENT_IDX | RING_RESET;
/** Bits 24 to 40 and up to 49 are reserved for queues and negotiation: a device model offers none of them (2.2). */
export const TRANSPORT_FEATURE_BITS = ((1n << 50n) - 1n) & ~((1n << 24n) - 1n);
