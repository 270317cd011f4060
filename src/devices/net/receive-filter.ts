/**
 * What the driver wants to hear (virtio 1.2, 5.1.6.5.1 to 5.1.6.5.3): receive modes, its address, tables of others, VLANs.
 * Everything, until the driver says something else: one that never does has no other way to be promiscuous.
 */

/** The modes, by the number of their command. Each is a switch. */
export const MODES = ['promiscuous', 'allMulticast', 'allUnicast', 'noMulticast', 'noUnicast', 'noBroadcast'] as const;
export type Mode = (typeof MODES)[number];

/** Longer tables count as "all of them": a guest chooses how long they are, the launcher how much of that it keeps. */
export const MAX_TABLE = 256;
const BROADCAST = 0xffff_ffff_ffff;
const ETHERTYPE_VLAN = 0x8100;
export const VLANS = 4096;
/** Bytes of a frame that are looked at: addresses and a VLAN tag. */
export const FILTER_BYTES = 16;

/** All of it as plain data. */
export interface FilterState {
  readonly modes: readonly Mode[];
  readonly mac: number;
  /** Undefined: all. */
  readonly unicast: readonly number[] | undefined;
  readonly multicast: readonly number[] | undefined;
  /** Undefined: the driver does not filter by VLAN. */
  readonly vlans: readonly number[] | undefined;
}

export class ReceiveFilter {
  /** The guest's own address, see {@link macNumber}. */
  mac: number;
  /** True while every frame is welcome, so that none need be looked at. */
  open = true;
  readonly #modes = new Set<Mode>(['promiscuous']);
  #unicast: Set<number> | undefined = new Set();
  #multicast: Set<number> | undefined = new Set();
  #vlans: Set<number> | undefined;

  constructor(mac: number) {
    this.mac = mac;
  }

  set(mode: Mode, on: boolean): void {
    if (on) this.#modes.add(mode);
    else this.#modes.delete(mode);
    this.open = this.#modes.has('promiscuous');
  }

  setTables(unicast: readonly number[], multicast: readonly number[]): void {
    this.#unicast = unicast.length > MAX_TABLE ? undefined : new Set(unicast);
    this.#multicast = multicast.length > MAX_TABLE ? undefined : new Set(multicast);
  }

  /** From now on frames of a VLAN pass only if that was added; those without a tag always do. */
  filterVlans(): void {
    this.#vlans ??= new Set();
  }

  setVlan(id: number, on: boolean): void {
    if (on) this.#vlans?.add(id);
    else this.#vlans?.delete(id);
  }

  /** `bytes` has the frame's first {@link FILTER_BYTES} from `at` on. */
  accepts(bytes: Uint8Array, at: number): boolean {
    if (this.open) return true;
    if (this.#vlans !== undefined && ((bytes[at + 12]! << 8) | bytes[at + 13]!) === ETHERTYPE_VLAN) {
      if (!this.#vlans.has(((bytes[at + 14]! & 0x0f) << 8) | bytes[at + 15]!)) return false;
    }
    const to = macNumber(bytes, at);
    const is = this.#modes;
    if (to === BROADCAST) return !is.has('noBroadcast');
    if (bytes[at]! & 1) {
      if (is.has('noMulticast')) return false;
      return is.has('allMulticast') || (this.#multicast?.has(to) ?? true);
    }
    if (is.has('noUnicast')) return false;
    return is.has('allUnicast') || to === this.mac || (this.#unicast?.has(to) ?? true);
  }

  save(): FilterState {
    const list = (set: Set<number> | undefined) => set && [...set];
    return {
      modes: [...this.#modes],
      mac: this.mac,
      unicast: list(this.#unicast),
      multicast: list(this.#multicast),
      vlans: list(this.#vlans),
    };
  }

  /** Takes what {@link save} gave; anything else leaves an open filter. */
  restore(state: Partial<FilterState>): void {
    const numbers = (list: unknown) =>
      Array.isArray(list) ? new Set(list.filter(n => Number.isSafeInteger(n)) as number[]) : undefined;
    const modes: readonly unknown[] = Array.isArray(state.modes) ? state.modes : ['promiscuous'];
    for (const mode of MODES) this.set(mode, modes.includes(mode));
    if (Number.isSafeInteger(state.mac)) this.mac = state.mac!;
    this.#unicast = numbers(state.unicast);
    this.#multicast = numbers(state.multicast);
    this.#vlans = numbers(state.vlans);
  }
}

/** Six bytes of an address as one number, most significant first. */
export function macNumber(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const low = (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!;
  return high * 2 ** 24 + low;
}
