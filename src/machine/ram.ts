/** Guest RAM: one memory file, mapped by each thread for itself, cut into the regions of the memory map. */

import { closeFd } from '../host/eventfd.ts';
import { clearMemory, createMemory, type HostMapping, mapShared } from '../host/mapping.ts';
import type { Vm } from '../kvm/vm.ts';
import { GuestMemory, type RamRegion } from '../memory/guest-memory.ts';
import { ramRanges } from '../memory/map.ts';

export class Ram {
  readonly fd: number;
  /** In bytes. */
  readonly size: number;
  readonly memory: GuestMemory;
  readonly #mapping: HostMapping;

  private constructor(fd: number, size: number) {
    this.fd = fd;
    this.size = size;
    this.#mapping = mapShared(fd, size, { guarded: true });
    this.memory = new GuestMemory(regions(this.#mapping.views, size));
  }

  /** New, zeroed RAM. */
  static create(size: number): Ram {
    return new Ram(createMemory('tslaunch-ram', size), size);
  }

  /** The same RAM, mapped by another thread. */
  static attach(fd: number, size: number): Ram {
    return new Ram(fd, size);
  }

  /** Tells KVM where each range of RAM lies. */
  giveTo(vm: Vm): void {
    let offset = 0;
    ramRanges(this.size).forEach(({ gpa, length }, slot) => {
      vm.setMemory(slot, gpa, this.#mapping, offset, length);
      offset += length;
    });
  }

  /** All zeroes again, pages given back: the state at power-on. */
  clear(): void {
    clearMemory(this.fd, this.size);
  }

  /** Ends this thread's mapping; no view of it may be used afterwards. */
  unmap(): void {
    this.#mapping.unmap();
  }

  /** Unmaps and gives the memory back to the host. */
  free(): void {
    this.unmap();
    closeFd(this.fd);
  }
}

/** Lays the file's bytes, given as consecutive views, over the ranges of the memory map. */
function regions(views: readonly Uint8Array[], size: number): RamRegion[] {
  const out: RamRegion[] = [];
  let view = 0;
  let used = 0;
  for (const { gpa, length } of ramRanges(size)) {
    for (let done = 0; done < length; ) {
      const bytes = views[view]!;
      const count = Math.min(length - done, bytes.length - used);
      out.push({ gpa: gpa + done, bytes: bytes.subarray(used, used + count) });
      done += count;
      used += count;
      if (used === bytes.length) {
        view++;
        used = 0;
      }
    }
  }
  return out;
}
