/**
 * What the PCI bus asks of a function in a slot. A function's configuration space and BARs are bytes in the register file; the
 * objects that serve them exist once a thread.
 */
import type { RegisterBlock } from '../bus/register-block.ts';

/** A BAR as the bus sees it at this moment. */
export interface BarWindow {
  readonly space: 'memory' | 'io';
  /** Where the guest has put it; meaningless while `enabled` is false. */
  readonly base: number;
  readonly size: number;
  /** The command register lets the function answer in this space. */
  readonly enabled: boolean;
}

export interface PciFunction {
  readonly name: string;
  /** Configuration space, 256 bytes. */
  readonly config: RegisterBlock;
  /** One entry for each implemented BAR, in the order of {@link bar}. */
  windows(): readonly BarWindow[];
  /** The registers behind the n-th implemented BAR. */
  bar(index: number): RegisterBlock;
  /** Puts configuration space, and what hangs on it, to its state after reset. One thread does so, before the guest (re)starts. */
  reset?(): void;
}
