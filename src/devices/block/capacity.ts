/**
 * How large a disk is now. A file may grow on the host while the guest runs (truncate(1), a larger logical volume): the guest then gets
 * a larger disk without a reboot. It never gets a smaller one; what somebody cuts off reads and writes as an I/O error.
 */
import { log } from '../../base/log.ts';
import type { BlockBackend } from './backend.ts';
import { SECTOR } from './registers.ts';

/** How often to look, in ms. One system call without waiting, where a notification for each of the guest's own writes would cost more. */
const PERIOD_MS = 1000;

export class Capacity {
  /** In sectors of 512 bytes. */
  sectors: number;
  readonly #who: string;
  readonly #backend: BlockBackend;
  #timer: NodeJS.Timeout | undefined;
  #short = false;

  /** `who` begins messages. `sectors` is what the guest has been told. */
  constructor(who: string, backend: BlockBackend, sectors: number) {
    this.#who = who;
    this.#backend = backend;
    this.sectors = sectors;
  }

  /** Calls `grown` whenever the disk has become larger, until {@link stop}. Keeps no process alive. */
  watch(grown: () => void): void {
    if (this.#timer !== undefined || this.#backend.sizeNow === undefined) return;
    this.#timer = setInterval(() => {
      if (this.look()) grown();
    }, PERIOD_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether the disk is larger than when last looked at. */
  look(): boolean {
    const now = this.#sectorsNow();
    this.#tellShort(now);
    if (now <= this.sectors) return false;
    log.narrate(this.#who, `the image has grown from ${this.sectors} to ${now} sectors`);
    this.sectors = now;
    return true;
  }

  /** A host that cannot say fails the next read or write too, which is heard of there. */
  #sectorsNow(): number {
    try {
      return (this.#backend.sizeNow?.() ?? this.#backend.size) / SECTOR;
    } catch {
      return this.sectors;
    }
  }

  #tellShort(now: number): void {
    const short = now < this.sectors;
    if (short && !this.#short) {
      log.warn(
        `${this.#who}: somebody has shortened the image from ${this.sectors * SECTOR} to ${now * SECTOR} bytes; ` +
          'the guest gets I/O errors behind that.',
      );
    }
    this.#short = short;
  }
}
