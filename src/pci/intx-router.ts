/**
 * INTx: every slot has a pin, several slots share an interrupt line, and the line is up while any of its pins is (PCI Local Bus
 * 3.0, 2.2.6: level sensitive, shared by wired OR). Pins are bytes in shared memory; the line follows under the router's lock,
 * so that two threads cannot leave it in the wrong state.
 */
import type { InterruptLine } from '../bus/triggers.ts';
import { GSI } from '../memory/map.ts';
import type { RegisterFile, Slice } from '../state/register-file.ts';
import { SLOTS } from './bus.ts';

/** The global system interrupt that a slot's INTA# pin reaches. */
export function intxGsi(slot: number): number {
  return GSI.pci[slot % GSI.pci.length]!;
}

export class IntxRouter {
  readonly #slice: Slice;
  readonly #setGsi: (gsi: number, level: boolean) => void;

  /** `setGsi` drives an input of the interrupt controllers. It is called with the router's lock held. */
  constructor(registers: RegisterFile, setGsi: (gsi: number, level: boolean) => void) {
    this.#slice = registers.slice('pci-intx', SLOTS);
    this.#setGsi = setGsi;
  }

  /** Drives the pin of a slot. */
  set(slot: number, asserted: boolean): void {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS) throw new RangeError(`there is no PCI slot ${slot}`);
    this.#slice.lock.with(() => {
      const pins = this.#slice.bytes;
      const gsi = intxGsi(slot);
      const before = this.#level(gsi);
      pins[slot] = asserted ? 1 : 0;
      const after = this.#level(gsi);
      if (after !== before) this.#setGsi(gsi, after);
    });
  }

  /** The pin of one slot, as a line. */
  line(slot: number): InterruptLine {
    return { set: asserted => this.set(slot, asserted) };
  }

  /** Lowers all pins and, whatever they were, all lines. */
  reset(): void {
    this.#slice.lock.with(() => {
      this.#slice.bytes.fill(0);
      for (const gsi of new Set(GSI.pci)) this.#setGsi(gsi, false);
    });
  }

  #level(gsi: number): boolean {
    return this.#slice.bytes.some((asserted, slot) => asserted !== 0 && intxGsi(slot) === gsi);
  }
}
