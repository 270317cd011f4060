/** Allocates guest memory for a mock driver: powers of two, reused when freed. */
import type { GuestMemory } from '../../src/memory/guest-memory.ts';

export class MockHeap {
  readonly #memory: GuestMemory;
  readonly #end: number;
  readonly #free = new Map<number, number[]>();
  #next: number;

  /** Hands out [start, end) of guest memory. */
  constructor(memory: GuestMemory, start: number, end: number) {
    this.#memory = memory;
    this.#next = start;
    this.#end = end;
  }

  /** A zeroed block, aligned to its size rounded up to a power of two, at most a page. Returns its GPA. */
  allocate(length: number): number {
    const size = blockSize(length);
    const gpa = this.#free.get(size)?.pop() ?? this.#carve(size);
    for (const piece of this.#memory.pieces(gpa, size)) piece.fill(0);
    return gpa;
  }

  free(gpa: number, length: number): void {
    const size = blockSize(length);
    const list = this.#free.get(size) ?? [];
    list.push(gpa);
    this.#free.set(size, list);
  }

  #carve(size: number): number {
    const alignment = Math.min(size, 4096);
    const gpa = Math.ceil(this.#next / alignment) * alignment;
    if (gpa + size > this.#end) throw new Error(`the mock driver's ${this.#end} bytes of guest memory are used up`);
    this.#next = gpa + size;
    return gpa;
  }
}

function blockSize(length: number): number {
  return Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(length, 1))));
}
