/**
 * Network interfaces as netdevice(7) has them: a socket that is none, and ioctls that name an interface. Names change, indices do
 * not: whoever keeps an interface asks for its name each time.
 */
import { HostError } from '../base/errors.ts';
import { closeFd } from './eventfd.ts';
import { ioctlStruct } from './ioctl.ts';
import { check, libc } from './libc.ts';

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** linux/sockios.h */
const SIOC = {
  GIFNAME: 0x8910,
  GIFFLAGS: 0x8913,
  SIFFLAGS: 0x8914,
  SIFADDR: 0x8916,
  SIFNETMASK: 0x891c,
  GIFMTU: 0x8921,
  SIFMTU: 0x8922,
  GIFINDEX: 0x8933,
  BRADDIF: 0x89a2,
} as const;
const IFF_UP = 0x1;

/** `struct ifreq`: a name of 16 bytes, then a union of 24. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;
const UNION = NAME_BYTES;
/** Longest name, without the zero that ends it. */
export const MAX_NAME = NAME_BYTES - 1;

const socket: (family: number, type: number, protocol: number) => number = libc.func(
  'int socket(int family, int type, int protocol)',
);

/** A `struct ifreq` for an interface. */
export function ifreq(name = ''): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(IFREQ_BYTES);
  new TextEncoder().encodeInto(name, bytes.subarray(0, MAX_NAME));
  return { bytes, view: new DataView(bytes.buffer) };
}

export function nameIn(request: Uint8Array): string {
  const name = request.subarray(0, NAME_BYTES);
  const end = name.indexOf(0);
  return Buffer.from(name.subarray(0, end < 0 ? NAME_BYTES : end)).toString();
}

/** Offset of what the request is about. */
export const IFREQ_UNION = UNION;

/** Throws HostError with the ioctl's name and errno, ENODEV above all, from every method. */
export class NetDevices {
  readonly #fd: number;

  constructor() {
    this.#fd = check('socket', socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  }

  close(): void {
    closeFd(this.#fd);
  }

  /** Undefined when there is none of that name. */
  index(name: string): number | undefined {
    const request = ifreq(name);
    if (!this.#asked('SIOCGIFINDEX', SIOC.GIFINDEX, request.bytes)) return undefined;
    return request.view.getInt32(UNION, true);
  }

  /** Undefined when there is none of that index. */
  name(index: number): string | undefined {
    const request = ifreq();
    request.view.setInt32(UNION, index, true);
    return this.#asked('SIOCGIFNAME', SIOC.GIFNAME, request.bytes) ? nameIn(request.bytes) : undefined;
  }

  /**
   * Whether somebody switched it on. IFF_RUNNING is not asked for: a tap has a carrier while it is open, but the kernel may take a
   * second to show that in its flags (net/core/link_watch.c).
   */
  isUp(name: string): boolean {
    return (this.#flags(name) & IFF_UP) !== 0;
  }

  setUp(name: string): void {
    const flags = this.#flags(name);
    const request = ifreq(name);
    request.view.setInt16(UNION, flags | IFF_UP, true);
    ioctlStruct(this.#fd, 'SIOCSIFFLAGS', SIOC.SIFFLAGS, request.bytes);
  }

  /** Bytes. */
  mtu(name: string): number {
    const request = ifreq(name);
    ioctlStruct(this.#fd, 'SIOCGIFMTU', SIOC.GIFMTU, request.bytes);
    return request.view.getInt32(UNION, true);
  }

  setMtu(name: string, mtu: number): void {
    const request = ifreq(name);
    request.view.setInt32(UNION, mtu, true);
    ioctlStruct(this.#fd, 'SIOCSIFMTU', SIOC.SIFMTU, request.bytes);
  }

  /** IPv4, dotted. */
  setAddress(name: string, ip: string, prefix: number): void {
    this.#setInet(name, 'SIOCSIFADDR', SIOC.SIFADDR, ip.split('.').map(Number));
    const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
    this.#setInet(name, 'SIOCSIFNETMASK', SIOC.SIFNETMASK, [mask >>> 24, mask >>> 16, mask >>> 8, mask]);
  }

  /** Makes the interface with that index a port of a bridge. */
  addToBridge(bridge: string, index: number): void {
    const request = ifreq(bridge);
    request.view.setInt32(UNION, index, true);
    ioctlStruct(this.#fd, 'SIOCBRADDIF', SIOC.BRADDIF, request.bytes);
  }

  #flags(name: string): number {
    const request = ifreq(name);
    ioctlStruct(this.#fd, 'SIOCGIFFLAGS', SIOC.GIFFLAGS, request.bytes);
    return request.view.getInt16(UNION, true);
  }

  /** `struct sockaddr_in`: family, port, four bytes of address. */
  #setInet(name: string, what: string, request: number, bytes: readonly number[]): void {
    const { bytes: argument, view } = ifreq(name);
    view.setUint16(UNION, AF_INET, true);
    argument.set(bytes, UNION + 4);
    ioctlStruct(this.#fd, what, request, argument);
  }

  /** False for ENODEV and ENXIO, which mean that there is no such interface. */
  #asked(what: string, request: number, argument: Uint8Array): boolean {
    try {
      ioctlStruct(this.#fd, what, request, argument);
      return true;
    } catch (error) {
      if (error instanceof HostError && (error.errno === 'ENODEV' || error.errno === 'ENXIO')) return false;
      throw error;
    }
  }
}
