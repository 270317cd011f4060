/** What the loaders for ELF and bzImage agree on: everything that is decided about a kernel before memory is written. */
import type { Range } from './range.ts';

export type KernelFormat = 'elf64' | 'elf32' | 'bzimage64' | 'bzimage32' | 'pvh';

/**
 * Which door to use where a kernel has two. `linux` is the Linux boot protocol with its zero page, `pvh` the entry that a PVH
 * note names. `auto` takes the PVH note, unless the file looks like Linux: between 4.11 and 4.20 Linux had a note whose code
 * works under Xen only, while its own protocol works in every version.
 */
export type EntryChoice = 'auto' | 'linux' | 'pvh';

export interface BootPlan {
  readonly format: KernelFormat;
  readonly protocol: 'linux64' | 'linux32' | 'pvh';
  /** Physical address of the first instruction. */
  readonly entryPoint: number;
  /** Memory that nothing else may be put into. */
  readonly occupied: readonly Range[];
  /** Highest address of the initrd's last byte. */
  readonly initrdMax: number;
  readonly initrdAbove4G: boolean;
  /** Longest command line, without its final zero. */
  readonly commandLineMax: number;
  /** For the zero page, from offset 0x1f1 on; empty for PVH. */
  readonly setupHeader: Uint8Array;
  readonly code32Start: number | undefined;
  /** "64-bit ELF kernel, Linux boot protocol" */
  readonly description: string;
  /** Writes the kernel into guest memory. */
  load(): void;
}
