/**
 * `pci_cfg_data` of the PCI configuration access capability (virtio 1.2, 4.1.4.9): four bytes of configuration space through
 * which firmware that has not mapped the BAR reaches its registers, one access of 1, 2 or 4 bytes at a time. Whatever the
 * driver put into bar, offset and length, an access that has no meaning reads 0 and writes nothing.
 */
import { allOnes, hex, type Width } from '../base/bits.ts';
import { log } from '../base/log.ts';
import type { RegisterBlock } from '../bus/register-block.ts';

/** What the driver put into the capability. */
export interface AccessTarget {
  readonly bar: number;
  readonly offset: number;
  readonly length: number;
}

export class AccessWindow implements RegisterBlock {
  readonly name: string;
  readonly #target: () => AccessTarget;
  readonly #bar: () => RegisterBlock;
  readonly #barSize: number;

  /** `bar` is BAR0, the only one there is, with `barSize` bytes. */
  constructor(name: string, target: () => AccessTarget, bar: () => RegisterBlock, barSize: number) {
    this.name = `${name}.access`;
    this.#target = target;
    this.#bar = bar;
    this.#barSize = barSize;
  }

  /** Bytes of the window behind the first `length` read 0. */
  read(offset: number, width: Width): number {
    const at = this.#valid();
    if (at === undefined || offset >= at.width) return 0;
    const value = this.#bar().read(at.offset, at.width) >>> (8 * offset);
    return (value & allOnes(width)) >>> 0;
  }

  /** A write takes effect when it brings all `length` bytes. */
  write(offset: number, width: Width, value: number): void {
    const at = this.#valid();
    if (at === undefined || offset !== 0 || width < at.width) {
      log.narrate(this.name, `ignored a write of ${width} bytes, ${hex(value)}`);
      return;
    }
    this.#bar().write(at.offset, at.width, (value & allOnes(at.width)) >>> 0);
  }

  registerName(): string {
    const at = this.#valid();
    return (at && this.#bar().registerName?.(at.offset)) ?? 'nothing';
  }

  #valid(): { offset: number; width: Width } | undefined {
    const { bar, offset, length } = this.#target();
    if (bar !== 0 || (length !== 1 && length !== 2 && length !== 4)) return undefined;
    if (offset % length !== 0 || offset + length > this.#barSize) return undefined;
    return { offset, width: length };
  }
}
