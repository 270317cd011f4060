/**
 * A bus finds who answers at an address: the port bus and the memory bus are two of these. Claims are fixed ranges, made when
 * the board is built; windows that move while the guest runs (PCI BARs) come from a provider that is asked when no claim
 * matches. What nobody claims reads all ones and swallows writes, as an undriven bus does.
 *
 * Widths: blocks see 1, 2 or 4 bytes. Eight bytes become two accesses of four, low half first. KVM also reports 3, 5, 6 or 7
 * bytes where an access crosses a page; these become the widest pieces that fit, low address first. A piece that sticks out
 * of its claim is split into bytes, each looked up by itself: what lies outside goes to the neighbour or to nobody.
 */
import { allOnes, hex, readLe, type Width, writeLe } from '../base/bits.ts';
import type { RegisterBlock } from './register-block.ts';

/** A fixed range of a bus. */
export interface Claim {
  readonly base: number;
  /** Size in bytes. */
  readonly size: number;
  readonly block: RegisterBlock;
}

/** A register found at an address. */
export interface Resolved {
  readonly block: RegisterBlock;
  /** Offset of the address inside the block. */
  readonly offset: number;
  /** Bytes from the address to the end of the range. */
  readonly room: number;
}

/** Answers for addresses that move. Must be cheap when nothing has moved: it is asked at every access no claim matches. */
export interface AddressProvider {
  resolve(address: number): Resolved | undefined;
}

/** One access as the bus carried it out, after splitting. */
export interface BusAccess {
  readonly bus: string;
  readonly kind: 'read' | 'write';
  readonly address: number;
  readonly width: Width;
  readonly value: number;
  /** Undefined where nobody answers. */
  readonly block: RegisterBlock | undefined;
  /** Offset inside the block; 0 where nobody answers. */
  readonly offset: number;
}
export type BusObserver = (access: BusAccess) => void;

export class Bus {
  readonly name: string;
  #claims: Claim[] = [];
  readonly #providers: AddressProvider[] = [];
  #last: Claim | undefined;
  #observer: BusObserver | undefined;

  /** `name` appears in traces and messages, for example `io` or `mmio`. */
  constructor(name: string) {
    this.name = name;
  }

  /** All fixed ranges, by address. */
  get claims(): readonly Claim[] {
    return this.#claims;
  }

  /** Gives `size` bytes at `base` to `block`. Throws RangeError if part of it is taken. */
  claim(base: number, size: number, block: RegisterBlock): void {
    if (!Number.isSafeInteger(base) || base < 0 || !Number.isSafeInteger(base + size) || size < 1) {
      throw new RangeError(`${block.name} claims an impossible range of the ${this.name} bus: ${base}, ${size} bytes`);
    }
    const taken = this.#claims.find(c => base < c.base + c.size && c.base < base + size);
    if (taken) {
      throw new RangeError(`${block.name} claims ${this.name} ${hex(base)}, which belongs to ${taken.block.name}`);
    }
    this.#claims = [...this.#claims, { base, size, block }].sort((a, b) => a.base - b.base);
  }

  /** Adds somebody to ask for addresses that no claim matches; the first that answers wins. */
  addProvider(provider: AddressProvider): void {
    this.#providers.push(provider);
  }

  /** Reports every access from now on, after it was carried out; undefined stops that. */
  observe(observer: BusObserver | undefined): void {
    this.#observer = observer;
  }

  /** Who answers at `address`. */
  resolve(address: number): Resolved | undefined {
    const claim = this.#find(address);
    if (claim) return { block: claim.block, offset: address - claim.base, room: claim.base + claim.size - address };
    for (const provider of this.#providers) {
      const found = provider.resolve(address);
      if (found) return found;
    }
    return undefined;
  }

  /** Returns an unsigned value of `width` bytes. */
  read(address: number, width: Width): number {
    const found = this.resolve(address);
    if (found && found.room >= width) return this.#readFrom(found, address, width);
    if (width === 1 || !(found || this.#anyIn(address, width))) return this.#readNobody(address, width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.read(address + i, 1);
    return value;
  }

  /** Bits of `value` beyond `width` bytes are ignored. */
  write(address: number, width: Width, value: number): void {
    const found = this.resolve(address);
    const masked = (value & allOnes(width)) >>> 0;
    if (found && found.room >= width) this.#writeTo(found, address, width, masked);
    else if (width === 1 || !(found || this.#anyIn(address, width))) this.#report('write', address, width, masked);
    else for (let i = 0; i < width; i++) this.write(address + i, 1, (masked >>> (8 * i)) & 0xff);
  }

  /** Eight bytes, as two reads of four. */
  read64(address: number): bigint {
    const low = this.read(address, 4);
    return (BigInt(this.read(address + 4, 4)) << 32n) | BigInt(low);
  }

  /** Eight bytes, as two writes of four, low half first. */
  write64(address: number, value: bigint): void {
    this.write(address, 4, Number(value & 0xffff_ffffn));
    this.write(address + 4, 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  /** Fills `into` (any length, KVM's are 1 to 8 bytes) from the bus. */
  readBytes(address: number, into: Uint8Array): void {
    const whole = into.length;
    if (whole === 1 || whole === 2 || whole === 4) {
      writeLe(into, 0, whole, this.read(address, whole));
      return;
    }
    for (let at = 0; at < into.length; ) {
      const width = pieceWidth(into.length - at);
      writeLe(into, at, width, this.read(address + at, width));
      at += width;
    }
  }

  /** Writes all of `from` (any length, KVM's are 1 to 8 bytes) to the bus. */
  writeBytes(address: number, from: Uint8Array): void {
    const whole = from.length;
    if (whole === 1 || whole === 2 || whole === 4) {
      this.write(address, whole, readLe(from, 0, whole));
      return;
    }
    for (let at = 0; at < from.length; ) {
      const width = pieceWidth(from.length - at);
      this.write(address + at, width, readLe(from, at, width));
      at += width;
    }
  }

  #find(address: number): Claim | undefined {
    const last = this.#last;
    if (last && address >= last.base && address < last.base + last.size) return last;
    let low = 0;
    let high = this.#claims.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const claim = this.#claims[middle]!;
      if (address < claim.base) high = middle - 1;
      else if (address >= claim.base + claim.size) low = middle + 1;
      else {
        this.#last = claim;
        return claim;
      }
    }
    return undefined;
  }

  /** Whether anybody answers behind the first byte: decides between one report of an unclaimed access and a split. */
  #anyIn(address: number, width: Width): boolean {
    for (let i = 1; i < width; i++) if (this.resolve(address + i)) return true;
    return false;
  }

  #readFrom(found: Resolved, address: number, width: Width): number {
    const value = (found.block.read(found.offset, width) & allOnes(width)) >>> 0;
    this.#report('read', address, width, value, found);
    return value;
  }

  #writeTo(found: Resolved, address: number, width: Width, value: number): void {
    found.block.write(found.offset, width, value);
    this.#report('write', address, width, value, found);
  }

  #readNobody(address: number, width: Width): number {
    this.#report('read', address, width, allOnes(width));
    return allOnes(width);
  }

  #report(kind: 'read' | 'write', address: number, width: Width, value: number, found?: Resolved): void {
    const observer = this.#observer;
    if (!observer) return;
    observer({ bus: this.name, kind, address, width, value, block: found?.block, offset: found?.offset ?? 0 });
  }
}

/** The widest access that `remaining` bytes allow. */
function pieceWidth(remaining: number): Width {
  return remaining >= 4 ? 4 : remaining >= 2 ? 2 : 1;
}
