/**
 * Tap interfaces: Ethernet with this process at the far end (linux/if_tun.h). Opened with virtio's header in front of each frame,
 * so that checksums and segmentation are the kernel's work or the guest's, and with a descriptor for each queue.
 */
import { closeSync, constants, openSync } from 'node:fs';
import koffi, { type node } from 'koffi';
import { HostError } from '../base/errors.ts';
import { ioctl, ioctlStruct } from './ioctl.ts';
import { type Moved, readVector, writeVector } from './iovec.ts';
import { IFREQ_UNION, ifreq, nameIn } from './netdevice.ts';

const TUN_FILE = '/dev/net/tun';
const TUNSETIFF = 0x4004_54ca;
const TUNSETOFFLOAD = 0x4004_54d0;
const TUNGETIFF = 0x8004_54d2;
const TUNGETVNETHDRSZ = 0x8004_54d7;
const TUNSETVNETHDRSZ = 0x4004_54d8;
const TUNSETQUEUE = 0x4004_54d9;

const IFF_TAP = 0x0002;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_ATTACH_QUEUE = 0x0200;
const IFF_DETACH_QUEUE = 0x0400;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUNSETIFF makes a new interface or fails; without it an existing one is taken. */
const IFF_TUN_EXCL = 0x8000;

/** What may be left to the reader of frames (TUN_F_...). */
export const TUN_OFFLOAD = { csum: 0x01, tso4: 0x02, tso6: 0x04, ecn: 0x08, uso4: 0x20, uso6: 0x40 } as const;

/** `struct virtio_net_hdr_mrg_rxbuf`, what virtio 1.x has in front of a frame. */
const VNET_HEADER = 12;

export interface TapOptions {
  /** A new interface of that name, `%d` for the first free number; or one that exists. */
  readonly name: string;
  readonly existing: boolean;
  /** 1 or more. */
  readonly queues: number;
  /** Made for several queues, which one that exists either is or is not; several queues need it. */
  readonly multiQueue: boolean;
}

/** One queue of a tap: a descriptor that never blocks. */
export class TapQueue {
  readonly fd: number;
  #poll: node.PollHandle | undefined;
  #listener: (() => void) | undefined;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** One frame with header across `buffers`; what does not fit is lost. */
  read(buffers: readonly ArrayBufferView[]): Moved {
    return readVector(this.fd, buffers);
  }

  write(buffers: readonly ArrayBufferView[]): Moved {
    return writeVector(this.fd, buffers);
  }

  /** Calls back, in each turn of the event loop, while a frame is there or the interface is gone; until {@link rest}. */
  listen(callback: () => void): void {
    const listening = this.#listener !== undefined;
    this.#listener = callback;
    if (listening) return;
    const heard = () => this.#listener?.();
    if (this.#poll) this.#poll.start({ readable: true }, heard);
    else this.#poll = koffi.node.poll(this.fd, { readable: true }, heard);
  }

  rest(): void {
    if (this.#listener === undefined) return;
    this.#listener = undefined;
    this.#poll?.stop();
  }

  close(): void {
    this.rest();
    this.#poll?.close();
    closeSync(this.fd);
  }
}

export class Tap {
  readonly queues: readonly TapQueue[];
  /** Header size that an existing interface had. */
  readonly #formerHeader: number;
  #attached: number;

  private constructor(queues: readonly TapQueue[], formerHeader: number) {
    this.queues = queues;
    this.#formerHeader = formerHeader;
    this.#attached = queues.length;
  }

  /** Throws HostError with `open` or `TUNSETIFF` and errno. A new interface lives as long as its descriptors. */
  static open({ name, existing, queues, multiQueue }: TapOptions): Tap {
    const opened: TapQueue[] = [];
    try {
      let wanted = name;
      for (let i = 0; i < queues; i++) {
        const queue = new TapQueue(openTun());
        opened.push(queue);
        const fresh = !existing && i === 0 ? IFF_TUN_EXCL : 0;
        wanted = attach(queue.fd, wanted, fresh | (multiQueue ? IFF_MULTI_QUEUE : 0));
      }
      const size = new Uint8Array(4);
      ioctlStruct(opened[0]!.fd, 'TUNGETVNETHDRSZ', TUNGETVNETHDRSZ, size);
      const tap = new Tap(opened, new DataView(size.buffer).getInt32(0, true));
      tap.#setHeader(VNET_HEADER);
      return tap;
    } catch (error) {
      for (const queue of opened) queue.close();
      throw error;
    }
  }

  /** The name it has now; undefined once it is gone. */
  get name(): string | undefined {
    const request = ifreq();
    try {
      ioctlStruct(this.queues[0]!.fd, 'TUNGETIFF', TUNGETIFF, request.bytes);
    } catch (error) {
      if (error instanceof HostError) return undefined;
      throw error;
    }
    return nameIn(request.bytes);
  }

  /** What the reader takes on itself, of {@link TUN_OFFLOAD}; false where the kernel cannot, and nothing has changed. */
  setOffloads(flags: number): boolean {
    try {
      ioctl(this.queues[0]!.fd, 'TUNSETOFFLOAD', TUNSETOFFLOAD, flags);
      return true;
    } catch (error) {
      if (error instanceof HostError) return false;
      throw error;
    }
  }

  /** Frames go to the first `count` queues only. */
  useQueues(count: number): void {
    for (; this.#attached > count; this.#attached--) this.#setQueue(this.#attached - 1, IFF_DETACH_QUEUE);
    for (; this.#attached < count; this.#attached++) this.#setQueue(this.#attached, IFF_ATTACH_QUEUE);
  }

  /** A new interface vanishes; one that existed is left as it was. */
  close(): void {
    try {
      this.useQueues(this.queues.length);
      this.setOffloads(0);
      this.#setHeader(this.#formerHeader);
    } catch (error) {
      // It is gone already, and so is what was to be undone.
      if (!(error instanceof HostError)) throw error;
    }
    for (const queue of this.queues) queue.close();
  }

  #setHeader(bytes: number): void {
    const size = new Uint8Array(4);
    new DataView(size.buffer).setInt32(0, bytes, true);
    ioctlStruct(this.queues[0]!.fd, 'TUNSETVNETHDRSZ', TUNSETVNETHDRSZ, size);
  }

  #setQueue(index: number, flag: number): void {
    const request = ifreq();
    request.view.setUint16(IFREQ_UNION, flag, true);
    ioctlStruct(this.queues[index]!.fd, 'TUNSETQUEUE', TUNSETQUEUE, request.bytes);
  }
}

function openTun(): number {
  try {
    return openSync(TUN_FILE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new HostError(`Opening ${TUN_FILE} failed: ${message}.`, undefined, {
      syscall: 'open',
      errno: code ?? 'EIO',
      cause,
    });
  }
}

/** Makes or takes the interface; returns its name. */
function attach(fd: number, name: string, flags: number): string {
  const request = ifreq(name);
  request.view.setUint16(IFREQ_UNION, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flags, true);
  ioctlStruct(fd, 'TUNSETIFF', TUNSETIFF, request.bytes);
  return nameIn(request.bytes);
}
