/**
 * What the parts of the network device agree on: the option as parsed, the host's end of the wire, and the two ways in which a
 * frame is looked at by the launcher instead of going straight between the guest's memory and the tap.
 *
 * A frame here starts at the Ethernet destination address; the virtio-net header in front of it never gets this far.
 */

/** `--tunnet` after parsing. Addresses are text that has been checked and brought into one form; nothing has been opened. */
export type NetOption = NetWire & {
  /** The guest's MAC, six lower-case hexadecimal bytes with colons; unicast. Absent: generated. */
  readonly mac?: string;
  /** Largest packet without Ethernet header in bytes, 68 to 65535. Absent: the host's business. */
  readonly mtu?: number;
  /** The guest may only be the MAC it was given. */
  readonly locked: boolean;
  /** Pairs of receive and transmit queues, 1 or more. */
  readonly queues: number;
};

/** Where the wire leads to. */
export type NetWire =
  /** A new tap with this address on the host's side. */
  | { readonly kind: 'address'; readonly address: { readonly ip: string; readonly prefix: number } }
  /** A new tap that becomes a port of this bridge. */
  | { readonly kind: 'bridge'; readonly bridge: string }
  /** A tap that somebody has made, perhaps for a user without rights; left as it was. */
  | { readonly kind: 'tap'; readonly tap: string }
  /** A new tap; the launcher answers the guest's DHCP. */
  | { readonly kind: 'local' }
  /** A device without a wire. */
  | { readonly kind: 'none' };

/** The two ends of a `local` wire, for a new pair: each launcher and each device takes one that is free. */
export interface LocalAddresses {
  /** Address of the tap, and the guest's router and name server. */
  readonly host: string;
  readonly guest: string;
  readonly prefix: number;
}

/** Decides about frames from their beginning: `head` has the frame's first bytes, at least an Ethernet header (14 bytes). */
export interface FrameFilter {
  /** True: the frame may leave the guest. */
  fromGuest(head: Uint8Array): boolean;
  /** True: the frame may enter the guest. */
  toGuest(head: Uint8Array): boolean;
}

/** Looks at whole frames on their way out, as copies: the guest cannot change them any more. */
export interface Interceptor {
  /** A cheap look at a frame's first bytes (64, or all of a shorter frame): false for one that is none of its business. */
  wants(head: Uint8Array): boolean;
  /** A frame for the guest's receive queue; `drop`: it goes nowhere, and that is counted; undefined: to the tap. */
  answer(frame: Uint8Array): Uint8Array | 'drop' | undefined;
}
