/**
 * `--tunnet ...,locked`: the guest may only be the MAC it was given. What it sends under another source does not leave it, and
 * unicast to others does not reach it, whatever its driver asks for (promiscuous mode, another address). Group addresses pass:
 * broadcast and multicast are what ARP and IPv6's neighbour discovery live on.
 */
import type { FrameFilter } from './config.ts';
import { MAC_BYTES } from './mac.ts';

/** Frames that did not pass, by reason. */
export interface LockedDrops {
  /** Sent by the guest under an address that is not its own. */
  foreignSource: number;
  /** Unicast for somebody else. */
  foreignDestination: number;
}

const DESTINATION = 0;
const SOURCE = 6;

export class LockedMac implements FrameFilter {
  readonly drops: LockedDrops = { foreignSource: 0, foreignDestination: 0 };
  readonly #mac: Uint8Array;

  /** `mac` is copied. */
  constructor(mac: Uint8Array) {
    this.#mac = Uint8Array.from(mac.subarray(0, MAC_BYTES));
  }

  fromGuest(head: Uint8Array): boolean {
    const passes = this.#isOurs(head, SOURCE);
    if (!passes) this.drops.foreignSource++;
    return passes;
  }

  toGuest(head: Uint8Array): boolean {
    const passes = (head[DESTINATION]! & 1) !== 0 || this.#isOurs(head, DESTINATION);
    if (!passes) this.drops.foreignDestination++;
    return passes;
  }

  #isOurs(head: Uint8Array, at: number): boolean {
    if (head.length < at + MAC_BYTES) return false;
    for (let i = 0; i < MAC_BYTES; i++) if (head[at + i] !== this.#mac[i]) return false;
    return true;
  }
}
