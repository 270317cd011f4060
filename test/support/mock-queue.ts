/**
 * A driver's side of a split virtqueue, written against the specification and guest memory alone: it shares no code with the
 * device side. Driven by interrupts like a real driver, so a lost interrupt or a lost kick hangs a test instead of hiding.
 */
import type { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { MockHeap } from './mock-heap.ts';

export const NEXT = 1;
export const WRITE = 2;
export const INDIRECT = 4;

/** What came back for a chain. */
export interface Reply {
  /** `len` of the used element: how many bytes the device says it wrote. */
  readonly written: number;
  /** The first `written` bytes of the writable parts, joined. */
  readonly data: Uint8Array;
  /** Each writable part whole. */
  readonly buffers: readonly Uint8Array[];
}

export interface SubmitOptions {
  /** Through an indirect table (default: as the driver was started). */
  readonly indirect?: boolean;
  /** Only add, do not kick. */
  readonly kick?: boolean;
}

interface Part {
  readonly gpa: number;
  readonly length: number;
  readonly write: boolean;
}

interface Pending {
  readonly parts: readonly Part[];
  readonly descriptors: readonly number[];
  readonly table: { gpa: number; length: number } | undefined;
  readonly resolve: (reply: Reply) => void;
}

export interface MockQueueOptions {
  readonly memory: GuestMemory;
  readonly heap: MockHeap;
  readonly index: number;
  readonly size: number;
  readonly eventIdx: boolean;
  readonly indirect: boolean;
  /** Writes the notify register. */
  readonly kick: () => void;
}

export class MockQueue {
  readonly index: number;
  readonly size: number;
  /** GPAs of the three parts. */
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  /** How often the driver kicked. */
  kicks = 0;
  readonly #o: MockQueueOptions;
  readonly #free: number[];
  readonly #pending = new Map<number, Pending>();
  readonly #waiting: (() => void)[] = [];
  #availIdx = 0;
  #usedIdx = 0;
  #kickedIdx = 0;
  #silent = false;

  constructor(options: MockQueueOptions) {
    this.#o = options;
    this.index = options.index;
    this.size = options.size;
    this.desc = options.heap.allocate(16 * this.size);
    this.avail = options.heap.allocate(6 + 2 * this.size);
    this.used = options.heap.allocate(6 + 8 * this.size);
    this.#free = Array.from({ length: this.size }, (_, i) => this.size - 1 - i);
  }

  /**
   * Adds a chain of device-readable parts and device-writable parts of the given lengths, kicks if the device wants that, and
   * resolves when the device has used it. Waits while the ring has no room.
   */
  submit(
    readable: readonly Uint8Array[],
    writable: readonly number[] = [],
    options: SubmitOptions = {},
  ): Promise<Reply> {
    return new Promise(resolve => {
      const attempt = () => {
        const indirect = options.indirect ?? this.#o.indirect;
        if (this.#free.length < (indirect ? 1 : readable.length + writable.length)) {
          this.#waiting.push(attempt);
          return;
        }
        this.#add(readable, writable, indirect, resolve);
        if (options.kick !== false) this.kick();
      };
      attempt();
    });
  }

  /** Chains added and not yet seen used. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** The device's `used.idx`. */
  get usedIdx(): number {
    return this.#o.memory.u16(this.used + 2);
  }

  get usedFlags(): number {
    return this.#o.memory.u16(this.used);
  }

  get availEvent(): number {
    return this.#o.memory.u16(this.used + 4 + 8 * this.size);
  }

  /** Kicks unless the device asked not to be (2.7.10, 2.7.7.1). `always` kicks whatever the device asked. */
  kick(always = false): void {
    const last = this.#kickedIdx;
    this.#kickedIdx = this.#availIdx;
    barrier();
    const wanted = this.#o.eventIdx
      ? ((this.#availIdx - this.availEvent - 1) & 0xffff) < ((this.#availIdx - last) & 0xffff)
      : (this.usedFlags & 1) === 0;
    if (!wanted && !always) return;
    this.kicks++;
    this.#o.kick();
  }

  /** Asks for no interrupts (true), or for interrupts again; {@link collect} then polls. */
  silence(silent: boolean): void {
    this.#silent = silent;
    if (!this.#o.eventIdx) this.#o.memory.setU16(this.avail, silent ? 1 : 0);
    else this.#armUsedEvent();
  }

  /** Takes what the device has used: what an interrupt handler does, or a poll. Returns how many chains. */
  collect(): number {
    let count = 0;
    do {
      while (this.#usedIdx !== this.usedIdx) {
        const element = this.used + 4 + 8 * (this.#usedIdx % this.size);
        this.#usedIdx = (this.#usedIdx + 1) & 0xffff;
        this.#finish(this.#o.memory.u32(element), this.#o.memory.u32(element + 4));
        count++;
      }
      if (this.#o.eventIdx) this.#armUsedEvent();
      barrier();
    } while (this.#usedIdx !== this.usedIdx);
    return count;
  }

  /** Writes descriptor `index` of the table as it is given, right or wrong. */
  writeDescriptor(
    index: number,
    addr: number | bigint,
    len: number,
    flags: number,
    next: number,
    table = this.desc,
  ): void {
    const at = table + 16 * index;
    this.#o.memory.setU64(at, BigInt(addr));
    this.#o.memory.setU32(at + 8, len);
    this.#o.memory.setU16(at + 12, flags);
    this.#o.memory.setU16(at + 14, next);
  }

  /** Makes descriptor `head` available as it is, without a kick; nobody waits for it. */
  offer(head: number): void {
    this.#o.memory.setU16(this.avail + 4 + 2 * (this.#availIdx % this.size), head);
    this.setAvailIdx(this.#availIdx + 1);
  }

  setAvailIdx(index: number): void {
    barrier();
    this.#availIdx = index & 0xffff;
    this.#o.memory.setU16(this.avail + 2, this.#availIdx);
  }

  #add(
    readable: readonly Uint8Array[],
    writable: readonly number[],
    indirect: boolean,
    resolve: (reply: Reply) => void,
  ): void {
    const { memory, heap } = this.#o;
    const parts: Part[] = [
      ...readable.map(bytes => ({ gpa: this.#filled(bytes), length: bytes.length, write: false })),
      ...writable.map(length => ({ gpa: heap.allocate(length), length, write: true })),
    ];
    if (parts.length === 0) throw new Error('a chain has at least one part');
    const descriptors = this.#free.splice(-(indirect ? 1 : parts.length)).reverse();
    const head = descriptors[0]!;
    let table: Pending['table'];
    if (indirect) {
      table = { gpa: heap.allocate(16 * parts.length), length: 16 * parts.length };
      this.#chain(
        parts,
        parts.map((_, i) => i),
        table.gpa,
      );
      this.writeDescriptor(head, table.gpa, table.length, INDIRECT, 0);
    } else this.#chain(parts, descriptors, this.desc);
    this.#pending.set(head, { parts, descriptors, table, resolve });
    memory.setU16(this.avail + 4 + 2 * (this.#availIdx % this.size), head);
    this.setAvailIdx(this.#availIdx + 1);
  }

  #chain(parts: readonly Part[], indices: readonly number[], table: number): void {
    parts.forEach(({ gpa, length, write }, i) => {
      const next = indices[i + 1];
      const flags = (write ? WRITE : 0) | (next === undefined ? 0 : NEXT);
      this.writeDescriptor(indices[i]!, gpa, length, flags, next ?? 0, table);
    });
  }

  #filled(bytes: Uint8Array): number {
    const gpa = this.#o.heap.allocate(bytes.length);
    this.#o.memory.write(gpa, bytes);
    return gpa;
  }

  #finish(head: number, written: number): void {
    const { memory, heap } = this.#o;
    const pending = this.#pending.get(head);
    if (pending === undefined) throw new Error(`the device used chain ${head}, which it did not own`);
    this.#pending.delete(head);
    const buffers: Uint8Array[] = [];
    for (const { gpa, length, write } of pending.parts) {
      if (write) {
        const bytes = new Uint8Array(length);
        memory.read(gpa, bytes);
        buffers.push(bytes);
      }
      heap.free(gpa, length);
    }
    if (pending.table) heap.free(pending.table.gpa, pending.table.length);
    this.#free.push(...pending.descriptors);
    const all = new Uint8Array(buffers.reduce((sum, b) => sum + b.length, 0));
    let at = 0;
    for (const b of buffers) {
      all.set(b, at);
      at += b.length;
    }
    if (written > all.length) throw new Error(`the device says it wrote ${written} bytes into ${all.length}`);
    pending.resolve({ written, data: all.subarray(0, written), buffers });
    for (const attempt of this.#waiting.splice(0)) attempt();
  }

  #armUsedEvent(): void {
    const event = this.#silent ? this.#usedIdx - 1 : this.#usedIdx;
    this.#o.memory.setU16(this.avail + 4 + 2 * this.size, event & 0xffff);
  }
}

const fence = new Int32Array(1);
/** A full memory barrier, as a driver needs between its own publishing and looking at what the device published. */
function barrier(): void {
  Atomics.add(fence, 0, 1);
}
