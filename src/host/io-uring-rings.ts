/**
 * The memory that io_uring(7) shares with the kernel: submission entries, and two rings of indices and results. All counters run freely
 * modulo 2^32; those that publish something go through Atomics, which are sequentially consistent, so an entry is written before the tail
 * that announces it, and a result is read after the tail that announces it.
 */
import { closeFd } from './eventfd.ts';
import { errno, libc } from './libc.ts';
import { type HostMapping, mapShared } from './mapping.ts';

const SYS = { setup: 425, enter: 426, register: 427 } as const;
const REGISTER_EVENTFD = 4;
/** What to map at which offset (linux/io_uring.h); since Linux 5.4 both rings are one mapping. */
const MAP = { rings: 0, entries: 0x1000_0000 } as const;
const FEATURE_SINGLE_MMAP = 1;
/** The kernel keeps results that find no room, and has copied what an entry points to when it is submitted. */
const FEATURE_NODROP = 2;
const FEATURE_SUBMIT_STABLE = 4;
const NEEDED = FEATURE_SINGLE_MMAP | FEATURE_NODROP | FEATURE_SUBMIT_STABLE;

/** `struct io_uring_params`: 120 bytes; `sq_off` from 40 and `cq_off` from 80 on say where things are in the mapping. */
const PARAMS = { bytes: 120, sqEntries: 0, cqEntries: 4, features: 20, sqOff: 40, cqOff: 80 } as const;
const SQ_OFF = { head: 0, tail: 4, mask: 8, array: 24 } as const;
const CQ_OFF = { head: 0, tail: 4, mask: 8, cqes: 20 } as const;
/** `struct io_uring_sqe` and `struct io_uring_cqe`. */
const SQE = { bytes: 64, opcode: 0, fd: 4, offset: 8, address: 16, length: 24, flags: 28, userData: 32 } as const;
const CQE = { bytes: 16, userData: 0, result: 8 } as const;

/** syscall(2) with three arguments that may be pointers' values or bytes. */
const setupCall: (number: number, entries: number, params: Uint8Array) => number = libc.func(
  'long syscall(long number, long entries, void *params)',
);
const enterCall: (
  n: number,
  fd: number,
  submit: number,
  wait: number,
  flags: number,
  mask: number,
  size: number,
) => number = libc.func('long syscall(long number, long fd, long submit, long wait, long flags, long mask, long size)');
const registerCall: (number: number, fd: number, opcode: number, argument: Uint8Array, count: number) => number =
  libc.func('long syscall(long number, long fd, long opcode, void *argument, long count)');

/** One request; `id` comes back with its result. */
export interface Entry {
  readonly opcode: number;
  readonly fd: number;
  readonly offset: number;
  /** Address of an array of `struct iovec`, and how many there are. */
  readonly address: bigint;
  readonly count: number;
  readonly id: number;
}

export class Rings {
  /** Entries that can wait to be submitted, and results that have room. */
  readonly entries: number;
  readonly results: number;
  readonly #fd: number;
  readonly #mappings: readonly HostMapping[];
  readonly #words: Int32Array;
  readonly #sqes: DataView;
  readonly #cqes: DataView;
  readonly #sq: { readonly tail: number; readonly mask: number; readonly array: number };
  readonly #cq: { readonly head: number; readonly tail: number; readonly mask: number };

  private constructor(fd: number, params: DataView) {
    const at = (offset: number) => params.getUint32(offset, true);
    const sq = (field: keyof typeof SQ_OFF) => at(PARAMS.sqOff + SQ_OFF[field]);
    const cq = (field: keyof typeof CQ_OFF) => at(PARAMS.cqOff + CQ_OFF[field]);
    this.#fd = fd;
    this.entries = at(PARAMS.sqEntries);
    this.results = at(PARAMS.cqEntries);
    const bytes = Math.max(sq('array') + this.entries * 4, cq('cqes') + this.results * CQE.bytes);
    const rings = mapShared(fd, bytes, { offset: MAP.rings });
    const sqes = mapShared(fd, this.entries * SQE.bytes, { offset: MAP.entries });
    this.#mappings = [rings, sqes];
    const { buffer } = rings.views[0]!;
    this.#words = new Int32Array(buffer, 0, bytes >> 2);
    this.#cqes = new DataView(buffer, cq('cqes'));
    this.#sqes = new DataView(sqes.views[0]!.buffer);
    this.#sq = { tail: sq('tail') >> 2, mask: this.#words[sq('mask') >> 2]!, array: sq('array') >> 2 };
    this.#cq = { head: cq('head') >> 2, tail: cq('tail') >> 2, mask: this.#words[cq('mask') >> 2]! };
  }

  /** Undefined where the kernel has no io_uring that suits, or does not let us. Results ring `bell`, an eventfd. */
  static open(entries: number, bell: number): Rings | undefined {
    const params = new Uint8Array(PARAMS.bytes);
    const view = new DataView(params.buffer);
    const fd = setupCall(SYS.setup, entries, params);
    if (fd < 0) return undefined;
    const suits = (view.getUint32(PARAMS.features, true) & NEEDED) === NEEDED;
    if (
      suits &&
      registerCall(SYS.register, fd, REGISTER_EVENTFD, new Uint8Array(Int32Array.of(bell).buffer), 1) === 0
    ) {
      return new Rings(fd, view);
    }
    closeFd(fd);
    return undefined;
  }

  /** Adds an entry; no more than {@link entries} may wait. */
  push({ opcode, fd, offset, address, count, id }: Entry): void {
    const tail = this.#words[this.#sq.tail]!;
    const index = tail & this.#sq.mask;
    const at = index * SQE.bytes;
    // The kernel reads no other fields of the operations that we use; they stay 0.
    this.#sqes.setUint32(at + SQE.opcode, opcode, true);
    this.#sqes.setInt32(at + SQE.fd, fd, true);
    this.#sqes.setBigUint64(at + SQE.offset, BigInt(offset), true);
    this.#sqes.setBigUint64(at + SQE.address, address, true);
    this.#sqes.setUint32(at + SQE.length, count, true);
    this.#sqes.setUint32(at + SQE.flags, 0, true);
    this.#sqes.setUint32(at + SQE.userData, id, true);
    this.#words[this.#sq.array + index] = index;
    Atomics.store(this.#words, this.#sq.tail, (tail + 1) | 0);
  }

  /** Hands `count` waiting entries to the kernel. Returns how many it took, or the errno's name. */
  submit(count: number): number | string {
    const taken = enterCall(SYS.enter, this.#fd, count, 0, 0, 0, 0);
    return taken >= 0 ? taken : errno();
  }

  /** Takes every result there is; negative ones are errnos. */
  reap(take: (id: number, result: number) => void): void {
    const words = this.#words;
    let head = words[this.#cq.head]!;
    while (head !== Atomics.load(words, this.#cq.tail)) {
      const at = (head & this.#cq.mask) * CQE.bytes;
      const id = this.#cqes.getUint32(at + CQE.userData, true);
      const result = this.#cqes.getInt32(at + CQE.result, true);
      head = (head + 1) | 0;
      Atomics.store(words, this.#cq.head, head);
      take(id, result);
    }
  }

  close(): void {
    for (const mapping of this.#mappings) mapping.unmap();
    closeFd(this.#fd);
  }
}
