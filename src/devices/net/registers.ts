/**
 * The network device's registers (virtio 1.2, 5.1.2 to 5.1.4): which features it offers, which queues it has and what its
 * configuration space says. Everything follows from one serialisable configuration, so each thread comes to the same bytes.
 */
import { struct, u8, u16 } from '../../base/struct.ts';
import type { DeviceModel } from '../../virtio/device.ts';
import { macBytes } from './mac.ts';

/** Serialisable description of a network device. */
export interface NetConfig {
  readonly kind: 'net';
  /** Unique in a machine, for example `net0`. */
  readonly name: string;
  /** Six hexadecimal bytes with colons. */
  readonly mac: string;
  /** Offered to the driver as the greatest packet, in bytes; absent: nothing is said, and drivers take 1500. */
  readonly mtu?: number;
  /** Pairs of receive and transmit queues. */
  readonly queuePairs: number;
  /** What the wire on the host's side can do. */
  readonly offloads: Offloads;
  /** Whether the link is up at power-on. */
  readonly linkUp: boolean;
}

/** Work that the two ends of the wire may leave to each other. */
export interface Offloads {
  /** Checksums and TCP segmentation. */
  readonly tcp: boolean;
  /** UDP segmentation. */
  readonly udp: boolean;
}

/** Feature bits, 5.1.3. GUEST: what the driver can receive; HOST: what the device can. */
export const F = {
  CSUM: 1n << 0n,
  GUEST_CSUM: 1n << 1n,
  CTRL_GUEST_OFFLOADS: 1n << 2n,
  MTU: 1n << 3n,
  MAC: 1n << 5n,
  GUEST_TSO4: 1n << 7n,
  GUEST_TSO6: 1n << 8n,
  GUEST_ECN: 1n << 9n,
  HOST_TSO4: 1n << 11n,
  HOST_TSO6: 1n << 12n,
  HOST_ECN: 1n << 13n,
  MRG_RXBUF: 1n << 15n,
  STATUS: 1n << 16n,
  CTRL_VQ: 1n << 17n,
  CTRL_RX: 1n << 18n,
  CTRL_VLAN: 1n << 19n,
  /** Not in the specification's list, but in Linux: the rest of the receive modes of 5.1.6.5.1. */
  CTRL_RX_EXTRA: 1n << 20n,
  GUEST_ANNOUNCE: 1n << 21n,
  MQ: 1n << 22n,
  CTRL_MAC_ADDR: 1n << 23n,
  GUEST_USO4: 1n << 54n,
  GUEST_USO6: 1n << 55n,
  HOST_USO: 1n << 56n,
} as const;

/** Features that are worth nothing, or worse, without another: each needs at least one of its list (5.1.3.1). */
const REQUIRES: readonly (readonly [bigint, bigint])[] = [
  [F.GUEST_TSO4, F.GUEST_CSUM],
  [F.GUEST_TSO6, F.GUEST_CSUM],
  [F.GUEST_ECN, F.GUEST_TSO4 | F.GUEST_TSO6],
  [F.GUEST_USO4, F.GUEST_CSUM],
  [F.GUEST_USO6, F.GUEST_CSUM],
  [F.HOST_TSO4, F.CSUM],
  [F.HOST_TSO6, F.CSUM],
  [F.HOST_ECN, F.HOST_TSO4 | F.HOST_TSO6],
  [F.HOST_USO, F.CSUM],
  [F.CTRL_RX, F.CTRL_VQ],
  [F.CTRL_VLAN, F.CTRL_VQ],
  [F.CTRL_RX_EXTRA, F.CTRL_VQ],
  [F.GUEST_ANNOUNCE, F.CTRL_VQ],
  [F.MQ, F.CTRL_VQ],
  [F.CTRL_MAC_ADDR, F.CTRL_VQ],
  [F.CTRL_GUEST_OFFLOADS, F.CTRL_VQ],
];

const ALWAYS =
  F.MAC |
  F.STATUS |
  F.MRG_RXBUF |
  F.CTRL_VQ |
  F.CTRL_RX |
  F.CTRL_RX_EXTRA |
  F.CTRL_VLAN |
  F.GUEST_ANNOUNCE |
  F.CTRL_MAC_ADDR;
const TCP_OFFLOADS =
  F.CSUM |
  F.GUEST_CSUM |
  F.GUEST_TSO4 |
  F.GUEST_TSO6 |
  F.GUEST_ECN |
  F.HOST_TSO4 |
  F.HOST_TSO6 |
  F.HOST_ECN |
  F.CTRL_GUEST_OFFLOADS;
const UDP_OFFLOADS = F.GUEST_USO4 | F.GUEST_USO6 | F.HOST_USO;

/** `struct virtio_net_config`, 5.1.4, up to the MTU. */
export const NET_CONFIG = struct(12, {
  mac0: u8(0),
  mac1: u8(1),
  mac2: u8(2),
  mac3: u8(3),
  mac4: u8(4),
  mac5: u8(5),
  status: u16(6),
  maxVirtqueuePairs: u16(8),
  mtu: u16(10),
});
/** Bits of `status`, 5.1.4. */
export const S = { LINK_UP: 1, ANNOUNCE: 2 } as const;

const DEVICE_ID = 1;
/** Network controller, Ethernet. */
const PCI_CLASS_ETHERNET = 0x02_0000;
/** A driver without mergeable buffers fills its receive queue with 64 KiB each: more entries would cost it much memory. */
const QUEUE_SIZE = 256;
const CONTROL_QUEUE_SIZE = 64;

export type QueueRole = { readonly kind: 'receive' | 'transmit'; readonly pair: number } | { readonly kind: 'control' };

/** What a queue is for (5.1.2). The control queue comes after all pairs, and a driver without MQ knows but one. */
export function queueRole(index: number, queuePairs: number, features: bigint): QueueRole | undefined {
  const pairs = (features & F.MQ) === 0n ? 1 : queuePairs;
  if (index < 2 * pairs) return { kind: index % 2 === 0 ? 'receive' : 'transmit', pair: index >> 1 };
  return index === 2 * pairs && (features & F.CTRL_VQ) !== 0n ? { kind: 'control' } : undefined;
}

export function netModel(config: NetConfig): DeviceModel {
  const { value, bytes } = NET_CONFIG.create();
  bytes.set(macBytes(config.mac));
  value.status = config.linkUp ? S.LINK_UP : 0;
  value.maxVirtqueuePairs = config.queuePairs;
  value.mtu = config.mtu ?? 0;
  return {
    name: config.name,
    deviceId: DEVICE_ID,
    pciClass: PCI_CLASS_ETHERNET,
    features: offered(config),
    queueSizes: [...Array.from({ length: 2 * config.queuePairs }, () => QUEUE_SIZE), CONTROL_QUEUE_SIZE],
    config: bytes,
    // A driver without CTRL_MAC_ADDR may set its address byte by byte (5.1.4.2 has it for old ones, and costs nothing).
    writableConfig: Array.from({ length: 6 }, (_, i) => ({ name: `mac${i}`, offset: i, width: 1 as const })),
    acceptsFeatures: features =>
      REQUIRES.every(([feature, needs]) => (features & feature) === 0n || (features & needs) !== 0n),
  };
}

function offered({ mtu, queuePairs, offloads }: NetConfig): bigint {
  return (
    ALWAYS |
    (mtu === undefined ? 0n : F.MTU) |
    (queuePairs > 1 ? F.MQ : 0n) |
    (offloads.tcp ? TCP_OFFLOADS : 0n) |
    (offloads.udp ? UDP_OFFLOADS : 0n)
  );
}
